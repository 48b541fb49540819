"""What a page draws of a branch: its newest messages. Older ones come when they are asked for.

A long talk is so opened as quickly as a short one. Of all messages only the keys are read, which
is what branches and their arrows need; texts, drawings and books are read of those on show.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property

from chat.costs import know_costs
from chat.models import Conversation, Message, Role
from chat.undrawn import draw_missing

NEWEST = 40  # messages that a page begins with, and that come at once when older ones are wanted
ALL = 10**9


@dataclass(frozen=True, slots=True)
class Stretch:
    """Messages of a branch that follow each other, oldest first.

    `earlier`: how many of the branch come before them, `from_pk` the first of those that are to
    come next; 0 where there are none.
    """

    messages: list[Message] = field(default_factory=list)
    earlier: int = 0
    from_pk: int = 0

    @property
    def first_pk(self) -> int:
        return self.messages[0].pk if self.messages else 0


class Branch:
    """The branch that a conversation shows, by its keys. Its reading is one question."""

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        rows = conversation.messages.order_by("pk").values_list("pk", "parent_id", "role")
        self.parents: dict[int, int | None] = {}
        self._roles: dict[int, str] = {}
        self._families: defaultdict[tuple[int | None, str], list[int]] = defaultdict(list)
        for pk, parent, role in rows:
            self.parents[pk], self._roles[pk] = parent, role
            self._families[parent, role].append(pk)

    @cached_property
    def path(self) -> list[int]:
        """The keys on show, from the first message to the head."""
        path = []
        at = self.conversation.head_id
        while at is not None:
            path.append(at)
            at = self.parents[at]
        return path[::-1]

    @property
    def rival(self) -> int | None:
        """A second answer beside the head, while both are compared."""
        pk = self.conversation.rival_id
        return pk if self.path and pk in self.parents else None

    def newest(self, from_pk: int = 0) -> Stretch:
        """The end of the branch; from a message on, where that is more and it is on the branch."""
        begin = self._begin(len(self.path), NEWEST)
        if from_pk in self.path:
            begin = min(begin, self.path.index(from_pk))
        return self._read(begin, len(self.path))

    def before(self, pk: int, most: int = NEWEST) -> Stretch | None:
        """What comes before a message. None: it is not on the branch."""
        if pk not in self.path:
            return None
        end = self.path.index(pk)
        return self._read(self._begin(end, most), end)

    def after(self, pk: int) -> Stretch:
        """What comes after a message of the branch (0: all); of very much only the newest."""
        begin = self.path.index(pk) + 1 if pk else 0
        newest = self._begin(len(self.path), NEWEST)
        return self._read(newest if newest > begin else begin, len(self.path))

    def _begin(self, end: int, most: int) -> int:
        """Where so many messages before an end begin: an answer comes with its question."""
        begin = max(0, end - most)
        is_answer = begin < end and self._roles[self.path[begin]] == Role.ASSISTANT
        return max(0, begin - 1) if is_answer else begin

    def _read(self, begin: int, end: int) -> Stretch:
        keys = self.path[begin:end]
        rival = self.rival if end == len(self.path) else None
        wanted = [*keys, rival] if rival else keys
        read = {m.pk: m for m in self.conversation.messages.with_books().filter(pk__in=wanted)}
        messages = [read[pk] for pk in wanted if pk in read]
        for message in messages:
            message.siblings = self._families[message.parent_id, message.role]
        know_costs(messages, conversation=self.conversation.pk)
        draw_missing(messages)
        if rival and len(messages) > 1:
            messages[-2].side, messages[-1].side = "left", "right"
        following = self.path[self._begin(begin, NEWEST)] if begin else 0
        return Stretch(messages, begin, following)
