"""Bytes in any slicing → the payloads of a server-sent event stream, without I/O.

Source: HTML Living Standard, "Parsing an event stream"; only `data` fields and comments matter
to OpenRouter, which sends neither `event:` nor `id:`.
"""

from __future__ import annotations

from typing import Final

BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


class Comment(str):
    """The text of a comment line. OpenRouter sends them to say: still here."""

    __slots__ = ()


class EventSplitter:
    """Splits a stream into payloads (str) and comments (Comment), in their order.

    Lines end with LF, CRLF or CR; `str.splitlines` would also split on U+2028 inside JSON, so
    lines are split as bytes and decoded one by one. Bytes that are no UTF-8 become U+FFFD. A
    line may be megabytes long: its parts are joined once, when its end has come.
    """

    def __init__(self) -> None:
        self._open_line: list[bytes] = []
        self._data: list[str] = []
        self._after_cr = False
        self._at_start = True
        self.has_foreign_lines = False  # lines that no event stream has: HTML, plain text

    def feed(self, chunk: bytes) -> list[str]:
        """Return what these bytes complete."""
        if self._after_cr and chunk:
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if not chunk:
            return []
        lines = chunk.splitlines()
        last_byte = chunk[-1]
        self._after_cr = last_byte == 0x0D
        still_open = None if last_byte in b"\r\n" else lines.pop()
        found: list[str] = []
        if lines and self._open_line:
            lines[0] = b"".join((*self._open_line, lines[0]))
            self._open_line.clear()
        for line in lines:
            self._take(line, found)
        if still_open is not None:
            self._open_line.append(still_open)
        return found

    def close(self) -> list[str]:
        """Return what the end of the stream completes: a last event without its empty line."""
        found: list[str] = []
        if self._open_line:
            line = b"".join(self._open_line)
            self._open_line.clear()
            self._take(line, found)
        self._take(b"", found)
        return found

    def _take(self, line: bytes, found: list[str]) -> None:
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BYTE_ORDER_MARK)
        if line.startswith(b"data:"):
            start = 6 if line[5:6] == b" " else 5
            self._data.append(line[start:].decode(errors="replace"))
        elif not line:
            if self._data:
                found.append("\n".join(self._data))
                self._data.clear()
        elif line.startswith(b":"):
            found.append(Comment(line[1:].strip().decode(errors="replace")))
        elif line == b"data":
            self._data.append("")
        elif not line.startswith((b"event", b"id", b"retry")):
            self.has_foreign_lines = True
