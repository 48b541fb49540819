"""The bytes of one answer, in any slicing → the events it tells, without I/O.

Source: OpenRouter API reference, "Streaming", and recorded traffic. A stream is read to its very
end, because the bill comes after the finish reason, and the finish reason may come twice.
"""

from __future__ import annotations

from typing import Final

import msgspec

from openrouter.errors import OpenRouterError, ProtocolError, StreamInterrupted, Unavailable
from openrouter.events import (
    Annotation,
    Done,
    Failed,
    Finished,
    Identified,
    ImageDelta,
    KeepAlive,
    ReasoningDelta,
    ReasoningDetail,
    StreamEvent,
    TextDelta,
    ToolCallDelta,
    Usage,
    UsageReported,
)
from openrouter.failures import error_from_object, error_from_response
from openrouter.money import known_usd
from openrouter.sse import Comment, EventSplitter
from openrouter.tool_indexes import ToolIndexes
from openrouter.wire import (
    Choice,
    Chunk,
    Content,
    ToolCall,
    UsageBody,
    mend,
    parse_chunk,
)

_KEEP_ALIVE: Final = KeepAlive()
_NOTHING_YET: Final = b" \t\r\n\xef\xbb\xbf"
_MANY_TOKENS: Final = 2**53


class StreamDecoder:
    """Reads one answer. `feed` it bytes as they come, then `close` it.

    Neither raises: whatever goes wrong is one Failed event, and what had come before it has been
    told by then. After a Failed the decoder goes on, since usage may follow; after Done it ends.
    A body that is no stream (the JSON of an answer or error, HTML) is read as a whole at `close`.
    `generation_id` is the one of the response's headers, if it was there.
    """

    def __init__(self, generation_id: str | None = None) -> None:
        self._splitter = EventSplitter()
        self._whole_body: list[bytes] | None = None
        self._sniffing = True
        self._who = Identified(generation_id)
        self._text = _Halves()
        self._reasoning = _Halves()
        self._tools = ToolIndexes()
        self._reasons: set[str] = set()
        self._finish_error: OpenRouterError | None = None
        self._has_begun = False
        self._has_failed = False
        self._is_done = False
        self._has_bill = False

    @property
    def has_ended(self) -> bool:
        """The end or a failure was told; at most a bill is still to come."""
        return self._is_done or self._has_failed

    @property
    def has_finish_and_bill(self) -> bool:
        """A finish reason and a bill were told; both may come again, with text before them."""
        return self._has_bill and bool(self._reasons)

    def feed(self, data: bytes) -> list[StreamEvent]:
        """Return the events that these bytes complete, in the order they happened."""
        events: list[StreamEvent] = []
        if self._sniffing:
            self._sniff(data)
        if self._whole_body is not None:
            self._whole_body.append(data)
            return events
        for payload in self._splitter.feed(data):
            self._take(payload, events)
        return events

    def close(self, cut: OpenRouterError | None = None) -> list[StreamEvent]:
        """Return what the end of the bytes tells: perhaps that they ended too early.

        `cut` says why they ended, where the reader knows (silence, a broken connection). It is a
        failure only if the answer was not complete by then.
        """
        events: list[StreamEvent] = []
        if self._whole_body is not None:
            self._read_whole(b"".join(self._whole_body), cut, events)
            self._whole_body = None
        for payload in self._splitter.close():
            self._take(payload, events, is_last=True)
        self._flush_halves(events)
        if not (self._is_done or self._reasons or self._has_failed):
            self._fail(cut or self._why_it_is_no_answer(), events)
        return events

    def _sniff(self, data: bytes) -> None:
        """An SSE stream begins with neither a brace nor a tag; a JSON body and HTML do."""
        if start := data.lstrip(_NOTHING_YET)[:1]:
            self._sniffing = False
            if start in b"{<":
                self._whole_body = []

    def _read_whole(
        self, body: bytes, cut: OpenRouterError | None, events: list[StreamEvent]
    ) -> None:
        self._is_done = True
        try:
            chunk = parse_chunk(body.strip(_NOTHING_YET))
        except ProtocolError:
            self._fail(cut or error_from_response(200, {}, body), events)
            return
        if chunk.error or chunk.choices:
            self._tell(chunk, events)
        else:
            self._fail(ProtocolError("JSON that is neither an answer nor an error"), events)

    def _why_it_is_no_answer(self) -> OpenRouterError:
        if self._splitter.has_foreign_lines and not self._has_begun:
            return ProtocolError("what came is neither an event stream nor an answer")
        return StreamInterrupted("the stream ended without a finish reason")

    def _take(self, payload: str, events: list[StreamEvent], *, is_last: bool = False) -> None:
        if self._is_done:
            return
        if payload.startswith("{"):
            self._take_json(payload, events, is_last=is_last)
            return
        payload = payload if payload.__class__ is Comment else payload.strip()
        if payload == "[DONE]":
            self._flush_halves(events)
            self._is_done = True
            events.append(Done())
        elif payload.startswith("{"):
            self._take_json(payload, events, is_last=is_last)
        else:  # a comment, or what a gateway made of one: `data: : OPENROUTER PROCESSING`
            events.append(_KEEP_ALIVE)

    def _take_json(self, payload: str, events: list[StreamEvent], *, is_last: bool) -> None:
        try:
            chunk = parse_chunk(payload)
        except ProtocolError as error:
            lines = payload.split("\n")
            if len(lines) > 1:  # events without the empty line between them
                for line in lines:
                    self._take(line, events, is_last=is_last)
            elif not is_last:  # the last one was cut off: `close` says so
                self._fail(error, events)
            return
        self._tell(chunk, events)

    def _tell(self, chunk: Chunk, events: list[StreamEvent]) -> None:
        who = self._who
        if (
            chunk.id != who.generation_id
            or chunk.model != who.model
            or chunk.provider != who.provider
        ):
            self._identify(chunk, events)
        failure = chunk.error
        for choice in chunk.choices or ():
            content = choice.delta or choice.message
            if content is not None:
                self._tell_content(content, events)
            if choice.finish_reason is not None:
                self._finish(choice, events)
            failure = failure or choice.error
        if chunk.usage is not None:
            self._has_bill = True
            _tell_usage(chunk.usage, events)
        if failure:
            self._fail(self._error(failure), events)
        elif self._finish_error:
            self._fail(self._finish_error, events)

    def _identify(self, chunk: Chunk, events: list[StreamEvent]) -> None:
        old = self._who
        new = Identified(
            chunk.id or old.generation_id, chunk.model or old.model, chunk.provider or old.provider
        )
        if new != old:
            self._who = new
            events.append(new)

    def _tell_content(self, content: Content, events: list[StreamEvent]) -> None:
        before = len(events)
        if content.annotations:
            events.extend(Annotation(it) for it in content.annotations if isinstance(it, dict))
        reasoning = content.reasoning or content.reasoning_content
        if reasoning and (reasoning := self._reasoning.feed(reasoning)):
            events.append(ReasoningDelta(reasoning))
        if content.reasoning_details:
            details = content.reasoning_details
            events.extend(ReasoningDetail(it) for it in details if isinstance(it, dict))
        text = content.content or content.refusal
        if text:
            self._tell_text(text, events)
        for image in content.images or ():
            _tell_image(image.image_url, events)
        if content.tool_calls:
            events.extend(map(self._tool_call, content.tool_calls))
        self._has_begun = self._has_begun or len(events) > before

    def _tell_text(self, text: str | list[object], events: list[StreamEvent]) -> None:
        """Text, or a list of parts as some servers that speak this protocol send it."""
        if isinstance(text, list):
            for part in text:
                if isinstance(part, dict) and isinstance(part.get("text"), str):
                    self._tell_text(part["text"], events)
                elif isinstance(part, dict):
                    _tell_image(part.get("image_url"), events)
        elif whole := self._text.feed(text):
            events.append(TextDelta(whole))

    def _tool_call(self, call: ToolCall) -> ToolCallDelta:
        function = call.function
        name = function.name or None if function else None
        arguments = function.arguments if function else None
        if arguments is None:
            arguments = ""
        elif not isinstance(arguments, str):  # an object instead of its text
            arguments = msgspec.json.encode(arguments).decode()
        call_id = None if call.id in (None, "") else str(call.id)
        return ToolCallDelta(self._tools.index(call.index, call_id, name), call_id, name, arguments)

    def _finish(self, choice: Choice, events: list[StreamEvent]) -> None:
        reason = choice.finish_reason
        if not reason or reason in self._reasons:
            return
        self._reasons.add(reason)
        native = None if choice.native_finish_reason is None else str(choice.native_finish_reason)
        events.append(Finished(reason, native))
        if reason == "error":  # often without an error object: MALFORMED_FUNCTION_CALL, say
            self._finish_error = Unavailable(
                f"the model stopped: {native or reason}", may_have_cost=True
            )

    def _error(self, failure: object) -> OpenRouterError:
        """An error inside an answer. Money may be gone if a token had come or a provider failed."""
        error = error_from_object(failure)
        is_providers = error.status is None or error.status == 408 or error.status >= 500
        error.may_have_cost = self._has_begun or is_providers
        error.generation_id = self._who.generation_id
        return error

    def _fail(self, error: OpenRouterError, events: list[StreamEvent]) -> None:
        if not self._has_failed:
            self._has_failed = True
            error.generation_id = error.generation_id or self._who.generation_id
            events.append(Failed(error))

    def _flush_halves(self, events: list[StreamEvent]) -> None:
        if rest := self._reasoning.close():
            events.append(ReasoningDelta(rest))
        if rest := self._text.close():
            events.append(TextDelta(rest))


class _Halves:
    """Joins the two halves of a character that came in two deltas (as `\\ud83d` and `\\ude00`)."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        if text.isascii() and not self._half:
            return text
        text = self._half + text
        cut = -1 if "\ud800" <= text[-1] <= "\udbff" else len(text)
        self._half = text[cut:]
        return mend(text[:cut])

    def close(self) -> str:
        rest, self._half = self._half, ""
        return mend(rest)


def _tell_image(image: object, events: list[StreamEvent]) -> None:
    """An image by its address, which may be wrapped as `{"url": ...}`."""
    url = image.get("url") if isinstance(image, dict) else image
    if isinstance(url, str) and url:
        events.append(ImageDelta(url))


def _tell_usage(body: UsageBody, events: list[StreamEvent]) -> None:
    """Usage that tells nothing is not told, so that it replaces no report that did."""
    prompt, completion, costs = (
        body.prompt_tokens_details,
        body.completion_tokens_details,
        body.cost_details,
    )
    usage = Usage(
        prompt_tokens=_count(body.prompt_tokens),
        completion_tokens=_count(body.completion_tokens),
        reasoning_tokens=_count(completion.reasoning_tokens) if completion else None,
        cached_tokens=_count(prompt.cached_tokens) if prompt else None,
        cache_write_tokens=_count(prompt.cache_write_tokens) if prompt else None,
        cost_usd=known_usd(body.cost),
        upstream_cost_usd=known_usd(costs.upstream_inference_cost) if costs else None,
        is_byok=body.is_byok is True,
    )
    if (usage.prompt_tokens, usage.completion_tokens, usage.cost_usd) != (None, None, None):
        events.append(UsageReported(usage))


def _count(tokens: float | None) -> int | None:
    return int(tokens) if tokens is not None and 0 <= tokens < _MANY_TOKENS else None
