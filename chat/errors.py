"""What a person can ask for that cannot be done.

CannotSend
├── Malformed
├── EmptyPrompt
├── PromptTooLong
├── StillAnswering
├── NotRetryable
├── NotAPrompt
├── NotAnAnswer
├── NotComparable
├── CannotAttach
├── ConversationFull
└── TooBusy
"""

from __future__ import annotations


class CannotSend(Exception):
    """Nothing was saved. `for_person` says why, `status` is the HTTP status of the answer."""

    for_person = "This could not be sent."
    status = 400

    def __init__(self) -> None:
        super().__init__(self.for_person)


class Malformed(CannotSend):
    """A form that no page of ours sends: `reason` in the words of the form."""

    def __init__(self, reason: str) -> None:
        self.for_person = reason or self.for_person
        super().__init__()


class EmptyPrompt(CannotSend):
    for_person = "There is nothing to send yet: write a message first."


class PromptTooLong(CannotSend):
    status = 413

    def __init__(self, chars: int, limit: int) -> None:
        self.for_person = (
            f"This message has {chars:,} characters; at most {limit:,} can be sent at once."
        )
        super().__init__()


class StillAnswering(CannotSend):
    for_person = "An answer is still being written here. Wait for its end, or stop it first."
    status = 409


class NotRetryable(CannotSend):
    for_person = "Only the latest answer can be asked for again, once it has ended."
    status = 409


class NotAPrompt(CannotSend):
    for_person = "Only what you wrote yourself can be edited."


class NotAnAnswer(CannotSend):
    for_person = "Only an answer can be asked for again."


class NotComparable(CannotSend):
    for_person = "Only the latest answer can be compared with another, once it has ended."
    status = 409


class ConversationFull(CannotSend):
    status = 409

    def __init__(self, limit: int) -> None:
        self.for_person = (
            f"This conversation has {limit:,} messages, which is the most that one may have. "
            "Go on in a new one."
        )
        super().__init__()


class CannotAttach(CannotSend):
    """A file that is not taken: `reason` says why."""

    status = 422

    def __init__(self, reason: str) -> None:
        self.for_person = reason
        super().__init__()


class TooBusy(CannotSend):
    for_person = "Too many answers are being written just now. Try again in a moment."
    status = 503


class Restarting(TooBusy):
    for_person = "This server is just being restarted. Send it again in a moment."


class CannotPay(CannotSend):
    """A budget does not allow it (402), or not this minute (429): in the words of billing."""

    def __init__(self, for_person: str, status: int) -> None:
        self.for_person = for_person
        self.status = status
        super().__init__()


class TooManyAnswers(CannotSend):
    status = 429

    def __init__(self, limit: int) -> None:
        self.for_person = (
            f"{limit} of your answers are being written already, which is the most at a time. "
            "Wait for one to end, or stop one."
        )
        super().__init__()
