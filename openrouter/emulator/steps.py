"""An answer as steps to be played: what is written when, and how much of the answer it holds.

Pure: a fault is a change of this list, so that what a fault does can be read in one place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple, TypeAlias

from openrouter.emulator.answer import Answer, Kind, Part
from openrouter.emulator.faults import Fault
from openrouter.emulator.pacing import Pace
from openrouter.emulator.wire import DONE, Wire

Tell: TypeAlias = Callable[[int, int], Mapping[str, Any]]  # tokens, of them thought → usage


class Act(Enum):
    SEND = "send"
    CUT = "cut"  # close the connection without an end
    STALL = "stall"  # nothing more, until the client leaves
    COMMENTS = "comments"  # nothing but comments, until the client leaves


class Step(NamedTuple):
    """`at_s`: when it is due. `tokens`, `text`, `reasoning`: what of the answer it delivers.

    `make`: writes text and data at the last moment, in the stead of those given.
    """

    data: bytes = b""
    at_s: float = 0.0
    tokens: int = 0
    text: str = ""
    reasoning: str = ""
    reasoning_tokens: int = 0
    act: Act = Act.SEND
    tells_usage: bool = False
    finishes: bool = False
    make: Callable[[], tuple[str, bytes]] | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """What stands on the last chunks."""

    finish_reason: str
    native_finish_reason: str
    usage: Mapping[str, Any]


def part_bytes(part: Part, wire: Wire) -> bytes:
    match part.kind:
        case Kind.TEXT:
            return wire.text(part.text)
        case Kind.REASONING:
            return wire.reasoning(part.text, part.detail) if part.detail else b""
        case Kind.DETAIL:
            return wire.detail(part.detail or {})
        case Kind.TOOL:
            return wire.tool_call(part.detail or {})
        case Kind.ANNOTATION:
            return wire.annotation(part.detail or {})
        case Kind.IMAGE:
            return wire.image(part.detail or {})


def answer_steps(answer: Answer, wire: Wire, pace: Pace) -> Iterator[Step]:
    """The parts of an answer, each when it is due."""
    due = pace.first_token_s
    for part in answer:
        yield Step(
            data=part_bytes(part, wire),
            at_s=due,
            tokens=part.tokens,
            text=part.text if part.kind is Kind.TEXT else "",
            reasoning=part.text if part.kind is Kind.REASONING else "",
            reasoning_tokens=part.tokens if part.kind is Kind.REASONING else 0,
        )
        due += pace.gap(part.tokens)


def last_steps(ending: Ending, wire: Wire, fault: Fault) -> list[Step]:
    """Finish, usage, [DONE], in the habit of the wire; or as a fault has it."""
    reason, native = ending.finish_reason, ending.native_finish_reason
    finish = Step(wire.finish(reason, native), finishes=True)
    usage = Step(wire.usage(ending.usage, reason, native), tells_usage=True)
    done = Step(DONE)
    match fault.name:
        case "no-done":
            return [finish, usage]
        case "no-usage":
            return [finish, done]
        case "duplicate-finish":
            return [finish, finish, usage, done]
        case "finish-error":
            odd = Step(wire.finish("error", "MALFORMED_FUNCTION_CALL"), finishes=True)
            return [odd, Step(wire.usage(ending.usage, "error", None), tells_usage=True), done]
    return [finish, usage, done]


def failing(steps: Iterable[Step], fault: Fault, wire: Wire, tell: Tell) -> Iterator[Step]:
    """The steps up to the failure, and the failure. The end of an answer is not among them."""
    at_s, tokens, thought = 0.0, 0, 0
    for number, step in enumerate(steps):
        if number >= fault.after:
            break
        at_s, tokens, thought = step.at_s, tokens + step.tokens, thought + step.reasoning_tokens
        yield step
    told = {"usage": tell(tokens, thought)} if fault.tells_usage else {}
    yield from (step._replace(at_s=at_s) for step in failure(fault, wire, told))


def failure(fault: Fault, wire: Wire, told: Mapping[str, Any]) -> list[Step]:
    """What is written where a stream fails; `told` is the usage, where it is told."""
    tells = bool(told)
    broken: dict[str, Any] = {
        "code": int(fault.number("code", 502)),
        "message": "Provider disconnected mid-stream",
        "metadata": {"error_type": "provider_unavailable", "provider_name": wire.provider},
    }
    match fault.name:
        case "error":
            return [Step(wire.error(broken, **told), tells_usage=tells), Step(DONE)]
        case "string-code":
            text_code = {"code": "server_error", "message": "Provider disconnected unexpectedly"}
            return [Step(wire.error(text_code, **told), tells_usage=tells), Step(DONE)]
        case "error-empty-choices":
            return [Step(wire.error(broken, empty=True, **told), tells_usage=tells), Step(DONE)]
        case "length-then-error":
            limit = {"code": 400, "message": "Token limit reached"}
            twice = Step(wire.finish("length", "length"))
            again = wire.chunk(error=limit, choices=[wire.choice({"content": ""})], **told)
            return [twice, twice, Step(again, tells_usage=tells), Step(DONE)]
        case "cut":
            return [Step(act=Act.CUT)]
        case "stall":
            return [Step(act=Act.STALL)]
        case "keepalives":
            return [Step(act=Act.COMMENTS)]
        case "bad-json":
            return [Step(b'data: {"id": "gen-broken", "choices": [{"ind\n\n'), Step(DONE)]
        case _:  # eof: the body simply ends
            return []


def odd(steps: Iterable[Step], fault: Fault, wire: Wire) -> Iterable[Step]:
    """The same answer in a form that is allowed and seldom seen."""
    match fault.name:
        case "crlf":
            return (step._replace(data=step.data.replace(b"\n", b"\r\n")) for step in steps)
        case "no-space":
            return (step._replace(data=step.data.replace(b"data: ", b"data:", 1)) for step in steps)
        case "no-role":
            return (step._replace(data=without_role(step.data)) for step in steps)
        case "data-comments":
            return with_data_comments(steps)
        case "split-utf8":
            return sliced(steps)
        case "one-chunk":
            return joined(steps)
        case "megabyte":
            return with_megabyte(steps, fault, wire)
        case _:
            return steps


def without_role(data: bytes) -> bytes:
    return data.replace(b',"role":"assistant"', b"").replace(b'"role":"assistant",', b"")


def with_data_comments(steps: Iterable[Step]) -> Iterator[Step]:
    """Comments as some gateways garble them."""
    for number, step in enumerate(steps):
        if number % 5 == 0:
            yield Step(b"data: : OPENROUTER PROCESSING\n\n", at_s=step.at_s)
            yield Step(b"data:\n\n", at_s=step.at_s)
        yield step


def sliced(steps: Iterable[Step], size: int = 7) -> Iterator[Step]:
    """Slices of a few bytes, which fall into the middle of characters."""
    for step in steps:
        slices = [step.data[start : start + size] for start in range(0, len(step.data), size)]
        for data in slices[:-1]:
            yield Step(data, at_s=step.at_s)
        yield step._replace(data=slices[-1] if slices else b"")


def joined(steps: Iterable[Step]) -> Iterator[Step]:
    """Everything in one write."""
    every = list(steps)
    yield Step(
        data=b"".join(step.data for step in every),
        at_s=every[-1].at_s,
        tokens=sum(step.tokens for step in every),
        text="".join(step.text for step in every),
        reasoning="".join(step.reasoning for step in every),
        tells_usage=any(step.tells_usage for step in every),
        finishes=any(step.finishes for step in every),
    )


def with_megabyte(steps: Iterable[Step], fault: Fault, wire: Wire) -> Iterator[Step]:
    """One line of some megabytes: an image that nobody has asked for."""
    size = int(fault.number("mb", 2) * 1_000_000)
    url = f"data:image/png;base64,{'A' * size}"
    for number, step in enumerate(steps):
        if number == fault.after:
            yield Step(wire.image({"type": "image_url", "image_url": {"url": url}}), at_s=step.at_s)
        yield step
