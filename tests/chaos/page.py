"""A page as a browser keeps it, as far as htmx's out-of-band swaps touch it: small, but honest.

A frame's top-level elements go where their `hx-swap-oob` says; one whose target is not on the page
is ignored, as htmx does. Source: htmx 2, `oobSwap`, and its ws extension.
"""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import TypeAlias

VOID = {"br", "hr", "img", "input", "link", "meta", "source", "wbr"}
UNSEEN = {"template", "figcaption", "noscript", "script", "style", "svg"}


class Unbalanced(Exception):
    """HTML whose tags do not match, or a swap that this model does not know."""


class Element:
    """A tag with its attributes and what is in it."""

    __slots__ = ("attrs", "children", "parent", "tag")

    def __init__(self, tag: str, attrs: dict[str, str], parent: Element | None = None) -> None:
        self.tag, self.attrs, self.parent = tag, attrs, parent
        self.children: list[Node] = []

    @property
    def id(self) -> str:
        return self.attrs.get("id", "")

    @property
    def classes(self) -> list[str]:
        return self.attrs.get("class", "").split()

    def walk(self) -> Iterator[Element]:
        """This element and all below it; what a <template> holds is not part of a page."""
        yield self
        if self.tag != "template":
            for child in self.children:
                if isinstance(child, Element):
                    yield from child.walk()

    def text(self) -> str:
        """What a reader sees of it."""
        return "".join(self._texts())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag not in UNSEEN:
                yield from child._texts()

    def own_texts(self) -> str:
        """The text directly in it, seen or not."""
        return "".join(child for child in self.children if isinstance(child, str))


GROWING = (["waiting"], ["pictures"], ["foot"])  # what only a growing answer has: see ending.js
Node: TypeAlias = Element | str


class _Reader(HTMLParser):
    """HTML into a tree. Raises Unbalanced where tags do not match: ours must."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self._open = Element("root", {})
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fresh = Element(tag, {name: value or "" for name, value in attrs}, self._open)
        self._open.children.append(fresh)
        if tag not in VOID:
            self._open = fresh

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open.children.append(Element(tag, {name: v or "" for name, v in attrs}, self._open))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        if self._open.tag != tag or self._open.parent is None:
            raise Unbalanced(f"</{tag}> ends <{self._open.tag}>")
        self._open = self._open.parent

    def handle_data(self, data: str) -> None:
        self._open.children.append(data)


def parse(html: str) -> Element:
    return _Reader(html).root


class Page:
    """A document, found by ids and changed by frames."""

    def __init__(self, html: str) -> None:
        self.root = parse(html)
        self._by_id: dict[str, Element] = {}
        self._register(self.root)

    def find(self, name: str) -> Element | None:
        return self._by_id.get(name)

    def apply(self, frame: str) -> None:
        """Swap in what a frame of the socket, or the answer to a command, brings."""
        for piece in parse(frame).children:
            if isinstance(piece, Element):
                self._swap(piece)

    def _swap(self, piece: Element) -> None:
        style, _, selector = piece.attrs.pop("hx-swap-oob", "true").partition(":")
        style = "outerHTML" if style == "true" else style
        target = self.find(selector.removeprefix("#") or piece.id)
        if target is None or target.parent is None:
            return
        if "data-blocks" in piece.attrs:
            self._end(target, piece)
            return
        match style:
            case "outerHTML":
                self._replace(target, [piece])
            case "delete":
                self._replace(target, [])
            case "innerHTML":
                self._fill(target, piece.children)
            case "beforeend":
                self._insert(target, len(target.children), piece.children)
            case "beforebegin":
                at = target.parent.children.index(target)
                self._insert(target.parent, at, piece.children)
            case _:
                raise Unbalanced(f"this model knows no swap {style!r}")

    def _end(self, article: Element, end: Element) -> None:
        """An answer ended well, as ending.js takes it. Raises Unbalanced where the tab has not the
        blocks that it is taken to have: the browser would ask for all of it."""
        done = self.find(f"{article.id}-done")
        if done is None or article.attrs["data-state"] == end.attrs["data-state"]:
            return
        rest = next(one for one in end.walk() if one.classes == ["markdown"])
        blocks = [one for one in (*done.children, *rest.children) if isinstance(one, Element)]
        if len(blocks) != int(end.attrs["data-blocks"]):
            raise Unbalanced(f"{len(blocks)} blocks, not {end.attrs['data-blocks']}")
        self._insert(done, len(done.children), rest.children)
        for part in list(article.walk()):
            if part.id == f"{article.id}-open" or part.classes in GROWING:
                self._replace(part, [])
        gist = [one for one in end.children if isinstance(one, Element) and one.classes == ["gist"]]
        if shown := self.find(f"{article.id}-reasoning"):
            old = next(one for one in shown.walk() if one.classes == ["gist"])
            self._replace(*((old, list[Node](gist)) if gist else (shown, [])))
        below = [one for one in end.children if one is not rest and one not in gist]
        self._insert(article, len(article.children), below)
        article.attrs["data-state"] = end.attrs["data-state"]

    def move_settled(self) -> int:
        """Take finished turns out of #live, as app.js does before it connects; the last one's pk.

        0 where there is none: the new connection then asks for everything.
        """
        live = self.find("live")
        if live is None or live.parent is None:
            return 0
        done = [at for at, child in enumerate(live.children) if is_done(child)]
        if done:
            leaving = live.children[: done[-1] + 1]
            live.children = live.children[done[-1] + 1 :]
            self._insert(live.parent, live.parent.children.index(live), leaving)
        before = live.parent.children[: live.parent.children.index(live)]
        last = next((child for child in reversed(before) if isinstance(child, Element)), None)
        return pk_of(last) if last and "assistant" in last.classes else 0

    def _replace(self, target: Element, fresh: list[Node]) -> None:
        assert target.parent is not None
        at = target.parent.children.index(target)
        del target.parent.children[at]
        self._forget(target)
        self._insert(target.parent, at, fresh)

    def _fill(self, target: Element, fresh: list[Node]) -> None:
        for child in target.children:
            if isinstance(child, Element):
                self._forget(child)
        target.children = []
        self._insert(target, 0, fresh)

    def _insert(self, into: Element, at: int, fresh: list[Node]) -> None:
        into.children[at:at] = fresh
        for node in fresh:
            if isinstance(node, Element):
                node.parent = into
                self._register(node)

    def _register(self, node: Element) -> None:
        for element in node.walk():
            if element.id:
                self._by_id.setdefault(element.id, element)

    def _forget(self, node: Element) -> None:
        for element in node.walk():
            if self._by_id.get(element.id) is element:
                del self._by_id[element.id]


def is_done(node: Node) -> bool:
    return (
        isinstance(node, Element)
        and "assistant" in node.classes
        and node.attrs.get("data-state") == "done"
    )


def pk_of(article: Element) -> int:
    """The message that an article shows; its id is m<pk>."""
    return int(article.id[1:])
