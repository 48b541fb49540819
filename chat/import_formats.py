"""Other people's files, and our own, as plain conversations. Pure: bytes in, values out.

Sources: the `conversations.json` of ChatGPT's data export (a list of conversations, each a
`mapping` of nodes with a parent), as found in public exports; ours is `exporting.py`. Nothing in
a file is believed: parents may be missing or go in circles, times and texts may be anything.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from chat.source import printable

FORMAT: Final = "switchboard-conversations"
VERSIONS: Final = (1,)
MOST_CONVERSATIONS: Final = 20_000
MOST_MESSAGES: Final = 200_000
TITLE_CHARS: Final = 120
TEXT_CHARS: Final = 2_000_000
MOST_FILES: Final = 16  # of one message
ROLES: Final = ("user", "assistant")
EARLIEST: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


class CannotImport(Exception):
    """Nothing was brought in. `for_person` says why."""

    def __init__(self, for_person: str) -> None:
        super().__init__(for_person)
        self.for_person = for_person


@dataclass(slots=True)
class Note:
    """One message. `parent` is the index of another in the same list, always an earlier one."""

    role: str
    text: str
    parent: int | None = None
    reasoning: str = ""
    model: str = ""
    when: dt.datetime | None = None


@dataclass(slots=True)
class Talk:
    """One conversation. `head` is the index of the last message of the branch on show."""

    source_ref: str
    title: str
    notes: list[Note]
    head: int
    created_at: dt.datetime | None = None
    updated_at: dt.datetime | None = None
    is_archived: bool = False
    is_pinned: bool = False
    folder: str = ""
    instructions: str = ""


@dataclass(slots=True)
class _Node:
    """A message of a file before its place is known. `note` is None for what is not shown."""

    parent: str | None
    note: Note | None


def read_file(data: bytes) -> list[Talk]:
    """Raises CannotImport for what is no such file; a conversation of nothing is left out."""
    try:
        content = msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise CannotImport("This is no JSON file.") from error
    if isinstance(content, Mapping) and content.get("format") == FORMAT:
        if content.get("version") not in VERSIONS:
            raise CannotImport("This file was written by a newer Switchboard than this one.")
        talks = _each(content.get("conversations"), _ours)
    elif isinstance(content, Mapping) and isinstance(content.get("mapping"), Mapping):
        talks = _each([content], _chatgpts)
    elif isinstance(content, list) and any(_is_chatgpts(it) for it in content[:100]):
        talks = _each(content, _chatgpts)
    else:
        raise CannotImport(
            "This is neither a file of ours nor the conversations.json of a ChatGPT export."
        )
    if sum(len(talk.notes) for talk in talks) > MOST_MESSAGES:
        raise CannotImport(f"There are more than {MOST_MESSAGES:,} messages in this file.")
    return talks


def _is_chatgpts(item: object) -> bool:
    return isinstance(item, Mapping) and isinstance(item.get("mapping"), Mapping)


def _each(items: object, read: Any) -> list[Talk]:
    if not isinstance(items, list):
        raise CannotImport("There is no list of conversations in this file.")
    if len(items) > MOST_CONVERSATIONS:
        raise CannotImport(f"There are more than {MOST_CONVERSATIONS:,} conversations in it.")
    talks = [read(item) for item in items if isinstance(item, Mapping)]
    return [talk for talk in talks if talk]


# --- Ours


def _ours(item: Mapping[str, Any]) -> Talk | None:
    nodes = {}
    for message in _list(item.get("messages")):
        if isinstance(message, Mapping) and message.get("role") in ROLES:
            note = Note(
                role=message["role"],
                text=_with_files(_text(message.get("text")), message.get("files")),
                reasoning=_text(message.get("reasoning")),
                model=_text(message.get("model"))[:200],
                when=_time(message.get("created_at")),
            )
            is_shown = bool(note.text or note.reasoning)
            parent = _key(message.get("parent"))
            nodes[str(message.get("id"))] = _Node(parent, note if is_shown else None)
    return _talk(
        nodes,
        head=_key(item.get("head")),
        talk=Talk(
            source_ref=f"switchboard:{_text(item.get('id'))[:60]}",
            title=_text(item.get("title")),
            notes=[],
            head=0,
            created_at=_time(item.get("created_at")),
            updated_at=_time(item.get("updated_at")),
            is_archived=item.get("archived") is True,
            is_pinned=item.get("pinned") is True,
            folder=_text(item.get("folder")),
            instructions=_text(item.get("instructions")),
        ),
    )


def _with_files(text: str, files: object) -> str:
    """A word about each file that hung on a message, for its bytes are not in the export."""
    names = [_text(_mapping(file).get("name"))[:120] for file in _list(files)]
    told = [f"[{name}, not in the export]" for name in names if name][:MOST_FILES]
    return "\n\n".join(filter(None, [text, *told]))


# --- ChatGPT's


def _chatgpts(item: Mapping[str, Any]) -> Talk | None:
    mapping = item.get("mapping")
    nodes = {
        str(key): _Node(_key(node.get("parent")), _chatgpt_note(node.get("message")))
        for key, node in (mapping.items() if isinstance(mapping, Mapping) else ())
        if isinstance(node, Mapping)
    }
    ref = item.get("conversation_id") or item.get("id")
    return _talk(
        nodes,
        head=_key(item.get("current_node")),
        talk=Talk(
            source_ref=f"chatgpt:{ref[:60]}" if isinstance(ref, str) else "",
            title=_text(item.get("title")),
            notes=[],
            head=0,
            created_at=_time(item.get("create_time")),
            updated_at=_time(item.get("update_time")),
            is_archived=item.get("is_archived") is True,
        ),
    )


def _chatgpt_note(message: object) -> Note | None:
    """What a person would see of it; None for a tool's, a hidden one, one to a tool."""
    if not isinstance(message, Mapping):
        return None
    author, metadata = _mapping(message.get("author")), _mapping(message.get("metadata"))
    role = author.get("role")
    to_all = message.get("recipient") in (None, "", "all")
    if role not in ROLES or not to_all or metadata.get("is_visually_hidden_from_conversation"):
        return None
    content = _mapping(message.get("content"))
    text = reasoning = ""
    match content.get("content_type"):
        case "text" | "multimodal_text":
            text = _parts(content.get("parts"))
        case "code":
            text = f"```\n{_text(content.get('text'))}\n```"
        case "thoughts":
            thoughts = [_mapping(it) for it in _list(content.get("thoughts"))]
            reasoning = "\n\n".join(_text(it.get("content")) for it in thoughts)
        case _:
            return None
    if not text.strip() and not reasoning.strip():
        return None
    return Note(
        role=role,
        text=text,
        reasoning=reasoning,
        model=_text(metadata.get("model_slug"))[:200],
        when=_time(message.get("create_time")),
    )


def _parts(parts: object) -> str:
    """Texts as they are; of an image or a recording only that it was there."""
    pieces = []
    for part in _list(parts):
        if isinstance(part, str):
            pieces.append(_text(part))
        elif isinstance(part, Mapping):
            kind = _text(part.get("content_type")).split("_")[0] or "file"
            pieces.append(_text(part.get("text")) or f"[{kind}, not in the export]")
    return "\n\n".join(piece for piece in pieces if piece.strip())


# --- The tree


def _talk(nodes: Mapping[str, _Node], *, head: str | None, talk: Talk) -> Talk | None:
    """Put the shown notes in an order in which parents come first. None: there are none."""
    near: dict[str, int | None] = {}  # of each node, the last note at it or above
    for key in _in_order(nodes):
        node = nodes[key]
        above = near.get(node.parent) if node.parent is not None else None
        if node.note is None or (above is not None and _joins(node.note, talk.notes, above)):
            near[key] = above
        else:
            near[key] = len(talk.notes)
            node.note.parent = above
            talk.notes.append(node.note)
    if not talk.notes:
        return None
    shown = near.get(head) if head is not None else None
    talk.head = len(talk.notes) - 1 if shown is None else shown
    first = next((note.text for note in talk.notes if note.role == "user"), "")
    title = " ".join((talk.title or first).split()) or "Imported"
    talk.title = title if len(title) <= TITLE_CHARS else f"{title[: TITLE_CHARS - 1]}…"
    return talk


def _joins(note: Note, notes: Sequence[Note], above: int) -> bool:
    """An answer in pieces (thoughts, a tool's result between two texts) becomes one message."""
    before = notes[above]
    if note.role != "assistant" or before.role != "assistant" or above != len(notes) - 1:
        return False
    before.text = "\n\n".join(filter(None, [before.text, note.text]))
    before.reasoning = "\n\n".join(filter(None, [before.reasoning, note.reasoning]))
    before.model = note.model or before.model
    return True


def _in_order(nodes: Mapping[str, _Node]) -> list[str]:
    """Every key after its parent, each once, whatever circles there are; no recursion."""
    order: list[str] = []
    done: set[str] = set()
    for start in nodes:
        path: list[str] = []
        on_path: set[str] = set()
        at: str | None = start
        while at is not None and at in nodes and at not in done and at not in on_path:
            path.append(at)
            on_path.add(at)
            at = nodes[at].parent
        order.extend(reversed(path))
        done |= on_path
    return order


# --- Values of any kind


def _text(value: object) -> str:
    return printable(value)[:TEXT_CHARS] if isinstance(value, str) else ""


def _key(value: object) -> str | None:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _list(value: object) -> Iterable[Any]:
    return value if isinstance(value, list) else ()


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _time(value: object) -> dt.datetime | None:
    """Seconds since 1970, or ISO 8601; None for what no conversation can have been at."""
    try:
        if isinstance(value, str):
            moment = dt.datetime.fromisoformat(value)
        elif isinstance(value, int | float) and math.isfinite(value):
            moment = dt.datetime.fromtimestamp(value, dt.UTC)
        else:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    return moment if EARLIEST <= moment < dt.datetime.now(dt.UTC) + dt.timedelta(days=1) else None
