"""Whether the parts of a chat request have the types that they must have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openrouter.emulator.web import Refusal

ROLES = ("system", "developer", "user", "assistant", "tool")
RANGES = {  # parameter → least and most
    "temperature": (0, 2),
    "top_p": (0, 1),
    "frequency_penalty": (-2, 2),
    "presence_penalty": (-2, 2),
    "repetition_penalty": (0, 2),
    "min_p": (0, 1),
    "top_a": (0, 1),
    "top_logprobs": (0, 20),
}
TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "model": ((str,), "string"),
    "models": ((list,), "array"),
    "stream": ((bool,), "boolean"),
    "tools": ((list,), "array"),
    "tool_choice": ((str, dict), "string or object"),
    "plugins": ((list,), "array"),
    "transforms": ((list,), "array"),
    "modalities": ((list,), "array"),
    "provider": ((dict,), "object"),
    "reasoning": ((dict,), "object"),
    "reasoning_effort": ((str,), "string"),
    "response_format": ((dict,), "object"),
    "metadata": ((dict,), "object"),
    "user": ((str,), "string"),
    "session_id": ((str,), "string"),
}
OF_OBJECTS = ("tools", "plugins")
OF_STRINGS = ("models", "modalities", "transforms")


def check_shapes(body: Mapping[str, Any]) -> None:
    """Raises Refusal (400) for the first field that is not what it must be."""
    for name, (types, words) in TYPES.items():
        if body.get(name) is not None and not isinstance(body[name], types):
            raise refused(words, name)
    for name in OF_OBJECTS:
        if not all(isinstance(item, dict) for item in body.get(name) or ()):
            raise refused("object", f"{name}[]")
    for name in OF_STRINGS:
        if not all(isinstance(item, str) for item in body.get(name) or ()):
            raise refused("string", f"{name}[]")
    for tool in body.get("tools") or ():
        check_tool(tool)
    check_wishes(body)


def check_wishes(body: Mapping[str, Any]) -> None:
    """The lists of providers, and the schema of a structured answer."""
    for name, item in (body.get("provider") or {}).items():
        if name in ("only", "order", "ignore") and not isinstance(item, list | None):
            raise refused("array", f"provider.{name}")
    schema = (body.get("response_format") or {}).get("json_schema")
    if schema is not None and not isinstance(schema, dict):
        raise refused("object", "response_format.json_schema")


def check_tool(tool: Mapping[str, Any]) -> None:
    if tool.get("type") != "function":
        return
    function = tool.get("function")
    if not isinstance(function, dict) or not isinstance(function.get("name"), str):
        raise refused("object with a name", "tools[].function")
    if not isinstance(function.get("parameters"), dict | None):
        raise refused("object", "tools[].function.parameters")


def refused(words: str, where: str) -> Refusal:
    return Refusal(400, f"Invalid input: expected {words} at {where}")


def check_messages(body: Mapping[str, Any]) -> None:
    """Raises Refusal (400) where nothing is said, or by nobody."""
    messages = body.get("messages")
    if not messages or not isinstance(messages, list):
        raise Refusal(400, 'Input required: specify "prompt" or "messages"')
    for message in messages:
        if not isinstance(message, dict) or "role" not in message:
            raise Refusal(400, "Invalid input: expected a message with a role")
        if message["role"] not in ROLES:
            raise Refusal(400, f"Invalid role: {message['role']}")
        check_content(message.get("content"))
        if not all(isinstance(call, dict) for call in list_of(message, "tool_calls")):
            raise refused("object", "tool_calls[]")
    if not any(message.get("content") or message.get("tool_calls") for message in messages):
        raise Refusal(400, "Input must have at least 1 token.")


def list_of(message: Mapping[str, Any], name: str) -> list[Any]:
    found = message.get(name) or []
    if not isinstance(found, list):
        raise refused("array", name)
    return found


def check_content(content: object) -> None:
    if not isinstance(content, str | list | None):
        raise Refusal(400, "Invalid input: expected string or array as content")
    for part in content if isinstance(content, list) else ():
        if not isinstance(part, dict) or not isinstance(part.get("file"), dict | None):
            raise Refusal(400, "Invalid input: expected objects as parts of content")


def check_ranges(body: Mapping[str, Any]) -> None:
    """Raises Refusal (400) for a figure that is none, or is beyond its range."""
    for name, (least, most) in RANGES.items():
        value = body.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused(f"number, received {type(value).__name__}", name)
        if not least <= value <= most:
            bound = f"most {most}" if value > most else f"least {least}"
            told = f"Expected {name} to be at {bound}, received {value:g}"
            raise Refusal(400, told, metadata={"provider_name": None})
    for name in ("max_tokens", "max_completion_tokens"):
        value = body.get(name)
        wrong = isinstance(value, bool) or not isinstance(value, int) or value < 1
        if value is not None and wrong:
            raise Refusal(400, f"Expected {name} to be at least 1, received {value}")
