"""Parts of an answer gathered into the one message of an answer that is not streamed."""

from __future__ import annotations

from typing import Any

from openrouter.emulator.answer import Answer, Kind, Part


def message_of(answer: Answer) -> dict[str, Any]:
    """The parts gathered into one message."""
    kept, text = [*answer.before, *answer.after], answer.text
    message: dict[str, Any] = {"content": text or None}
    thought = "".join(part.text for part in kept if part.kind is Kind.REASONING)
    if thought:
        message["reasoning"] = thought
    if details := gathered_details(kept):
        message["reasoning_details"] = details
    for key, kind in (("annotations", Kind.ANNOTATION), ("images", Kind.IMAGE)):
        if found := [part.detail for part in kept if part.kind is kind]:
            message[key] = found
    if calls := gathered_calls(kept):
        message["tool_calls"] = calls
    elif not text and not message.get("images"):
        message["content"] = ""
    return message


def gathered_details(parts: list[Part]) -> list[dict[str, Any]]:
    whole: dict[tuple[str, int], dict[str, Any]] = {}
    for part in parts:
        if part.kind in (Kind.REASONING, Kind.DETAIL) and part.detail:
            kind = part.detail["type"]
            item = whole.setdefault((kind, part.detail["index"]), {})
            spoken = kind.removeprefix("reasoning.")  # the field is named as the type is
            text = item.get(spoken, "") + part.detail.get(spoken, "")
            item.update(part.detail)
            if text:
                item[spoken] = text
    return list(whole.values())


def gathered_calls(parts: list[Part]) -> list[dict[str, Any]]:
    calls: dict[int, dict[str, Any]] = {}
    for part in parts:
        if part.kind is not Kind.TOOL or part.detail is None:
            continue
        function = part.detail["function"]
        call = calls.setdefault(
            part.detail["index"],
            {
                "type": "function",
                "index": part.detail["index"],
                "id": part.detail.get("id"),
                "function": {"name": function.get("name"), "arguments": ""},
            },
        )
        call["function"]["arguments"] += function["arguments"]
    return list(calls.values())
