"""What goes over the socket: fragments that htmx puts in their places by id.

One template draws a message on the page and over the socket. Ids hold the reply's own id, so a
fragment can never land in another reply. Model text is escaped or sanitised before it is here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from html import escape  # Django's asks first whether the text is lazy, or safe: never here
from secrets import token_hex
from typing import Protocol

from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from billing.services import conversation_total
from chat.markdown import Stroke
from chat.models import Conversation, Message, State
from chat.shown import Stretch

VOID = {"br", "hr", "img", "input"}
_TAG = re.compile(r'<(/?)([a-z][a-z0-9]*)(?:[^">]|"[^"]*")*>')
VERDICTS = (("a", "A"), ("b", "B"), ("both", "Both are good"), ("neither", "Neither"))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A running reply at one moment: HTML of its parts, plain text of its reasoning."""

    closed_html: str = ""
    open_html: str = ""
    reasoning: str = ""


def tail(pk: int) -> str:
    """The element in the open block of a reply where further text goes."""
    return f'<span id="m{pk}-tail"></span>'


def delta(pk: int, stroke: Stroke | None, reasoning: str) -> str:
    """The fragments that add one stroke, and reasoning, to a running reply."""
    pieces = []
    if reasoning:
        pieces.append(f'<div hx-swap-oob="beforeend:#m{pk}-think">{escape(reasoning)}</div>')
    if stroke and stroke.closed_html:
        pieces.append(f'<div hx-swap-oob="beforeend:#m{pk}-done">{stroke.closed_html}</div>')
    if stroke and stroke.open_html is not None:
        pieces.append(f'<div hx-swap-oob="innerHTML:#m{pk}-open">{stroke.open_html}</div>')
    if stroke and stroke.tail_text:
        pieces.append(f'<div hx-swap-oob="beforeend:#m{pk}-tail">{escape(stroke.tail_text)}</div>')
    return "".join(pieces)


def message(message: Message, *, oob: bool = False, replaces: int | None = None) -> SafeString:
    """One message; with `oob` it takes the place of itself, or of the message `replaces`.

    A running one is drawn as it begins: nothing closed, and the empty tail as its open part.
    """
    begun = Snapshot(open_html=tail(message.pk)) if message.is_running else None
    context = {"message": message, "oob": oob, "replaces": replaces, "snapshot": begun}
    return render_to_string("chat/_message.html", context)


def settled(reply: Message) -> str:
    """A reply that has ended, in the place of the growing one, and the conversation's new total."""
    return message(reply, oob=True) + _total(reply)


def _total(reply: Message) -> str:
    total = conversation_total(conversation_ref=str(reply.conversation_id))
    return render_to_string("chat/_total.html", {"total": total, "oob": True})


class Ended:
    """The frame of a reply that has just ended, for tabs that show it as far as its view does.

    Where the finished blocks of a view are the beginning of what was stored, tabs keep them and
    are sent the rest: to draw a long answer once more is the longest task of a page. Where they
    are not (a link that was defined later, an answer of a shape, pictures, a failure), it is
    `settled`. Drawn off the event loop; `frame` is for the moment it is sent.
    """

    def __init__(self, reply: Message, shown: Snapshot) -> None:
        self._html, self._reasoning = reply.html, reply.reasoning
        self._mark = ""
        plain = reply.state == State.DONE and not reply.schema and not reply.files
        if not (plain and reply.html and self._begins_with(shown)):
            self._frame = settled(reply)
            return
        self._mark = token_hex(8)  # no text of anybody's can hold it
        context = {"message": reply, "rest_html": self._mark, "blocks": blocks_in(reply.html)}
        self._frame = render_to_string("chat/_ended.html", context) + _total(reply)

    def _begins_with(self, shown: Snapshot) -> bool:
        return self._html.startswith(shown.closed_html) and self._reasoning == shown.reasoning

    def frame(self, shown: Snapshot) -> str:
        """What is sent to tabs that show this much; empty where only a new snapshot helps."""
        if not self._mark:
            return self._frame
        if not self._begins_with(shown):
            return ""
        return self._frame.replace(self._mark, self._html[len(shown.closed_html) :])


def blocks_in(html: str) -> int:
    """How many elements sanitised HTML has that are in no other: what a tab can count."""
    count = depth = 0
    for end, name in _TAG.findall(html):
        if end:
            depth -= 1
            continue
        count += not depth
        depth += name not in VOID
    return count


def drawn(reply: Message) -> str:
    """The pictures that a running reply has by now."""
    return render_to_string("chat/_pictures.html", {"message": reply, "oob": True})


def earlier(conversation: Conversation, shown: Stretch) -> SafeString:
    """The way to the messages before those that a page shows; nothing where they are all."""
    context = {"conversation": conversation, "stretch": shown}
    return render_to_string("chat/_earlier.html", context) if shown.earlier else SafeString()


def titled(conversation: Conversation | None) -> str:
    """A conversation's new name, on the pages that show it."""
    title = escape(conversation.title) if conversation else ""
    return f'<h1 id="title" hx-swap-oob="innerHTML">{title}</h1>' if title else ""


def slot(pk: int) -> str:
    """The empty place after message `pk` (0: after none) where the next turn goes."""
    return f'<div id="next-{pk}"></div>'


def turn(messages: Iterable[Message], *, after: int) -> str:
    """A new turn, put into the slot after message `after`.

    The slot goes with it, so the same turn coming twice, by the answer to the POST and over the
    socket, is placed once: htmx ignores a fragment whose target is gone.
    """
    drawn = [(m.pk, message(m)) for m in messages]
    body = "".join(html for _, html in drawn)
    return (
        f'<div hx-swap-oob="beforebegin:#next-{after}">{body}{slot(drawn[-1][0])}</div>'
        f'<div id="next-{after}" hx-swap-oob="delete"></div>'
    )


def retried(reply: Message, *, replaces: int) -> str:
    """A new reply in the place of one that did not end well, and the slot after it."""
    return (
        message(reply, oob=True, replaces=replaces)
        + f'<div id="next-{reply.pk}" hx-swap-oob="outerHTML:#next-{replaces}"></div>'
    )


def pair(left_html: str, right_html: str, right: Message) -> str:
    """Two answers to one prompt side by side, and what a person thinks of them."""
    context = {
        "left": mark_safe(left_html),  # noqa: S308  # nosec B308 # drawn by our own templates
        "right": mark_safe(right_html),  # noqa: S308  # nosec B308 # as above
        "rival": right,
        "verdicts": VERDICTS,
    }
    return render_to_string("chat/_pair.html", context)


class SnapshotSource(Protocol):
    """A view, as far as this module needs it."""

    pk: int

    def snapshot(self) -> Snapshot: ...


class LiveRegion:
    """Everything newer than the last settled turn, drawn ahead of the moment it is sent.

    The templates are drawn off the event loop, with a mark where a running reply's text goes;
    `fill` then puts the views' snapshots in, on the loop, in one synchronous block.
    """

    def __init__(self, messages: Iterable[Message], last_pk: int, *, begins_with: str = "") -> None:
        self._secret = token_hex(8)  # no text of anybody's can hold a mark of this region
        pieces = [begins_with]
        left = ""
        for item in messages:
            html = self._marked(item) if item.is_running else message(item)
            if item.side == "left":
                left = html
            elif item.side == "right":
                pieces.append(pair(left, html, item))
            else:
                pieces.append(html)
        self._html = "".join(pieces) + slot(last_pk)

    def _mark(self, pk: int, part: str) -> str:
        return f"{self._secret}-{pk}-{part}."

    def _marked(self, item: Message) -> str:
        marks = Snapshot(*(self._mark(item.pk, part.name) for part in fields(Snapshot)))
        return render_to_string("chat/_message.html", {"message": item, "snapshot": marks})

    def fill(self, views: Iterable[SnapshotSource]) -> str:
        """The region's HTML, with each running reply as its view has it now."""
        html = self._html
        for view in views:
            pk, snapshot = view.pk, view.snapshot()
            html = html.replace(self._mark(pk, "closed_html"), snapshot.closed_html)
            html = html.replace(self._mark(pk, "open_html"), snapshot.open_html)
            html = html.replace(self._mark(pk, "reasoning"), escape(snapshot.reasoning))
        return html
