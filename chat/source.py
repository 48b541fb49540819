"""The text of an open block as it comes in, pure: lines, and the line that has no end yet."""

import re

# What no page may hold and no database keeps: NUL, and halves of surrogate pairs, which UTF-8
# cannot write.
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with U+FFFD for each character that cannot be shown or sent."""
    return _UNPRINTABLE.sub("\ufffd", text)


def _normal(text: str) -> str:
    """The text with every line ended by a newline alone."""
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


class Source:
    """Complete lines, each with its newline, and the pieces of the one that still grows."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.chars = 0  # in the complete lines
        self.line_chars = 0  # in the one that grows
        self._pieces: list[str] = []
        self._carriage_return = ""

    @property
    def all_chars(self) -> int:
        return self.chars + self.line_chars

    @property
    def text(self) -> str:
        return "".join([*self.lines, *self._pieces])

    def take(self, text: str) -> str:
        """Add a piece in any slicing; return what was added, with its line ends made one."""
        text = self._carriage_return + printable(text)
        self._carriage_return = ""
        if text.endswith("\r"):  # its newline may come with the next piece
            self._carriage_return, text = "\r", text[:-1]
        text = _normal(text)
        head, newline, rest = text.rpartition("\n")
        if newline:
            lines = "".join([*self._pieces, head]).split("\n")
            self.lines.extend(f"{line}\n" for line in lines)
            self.chars += self.line_chars + len(text) - len(rest)
            self._pieces, self.line_chars = [], 0
        if rest:
            self._pieces.append(rest)
            self.line_chars += len(rest)
        return text

    def end_line(self) -> None:
        """The text ends here, and with it its last line."""
        if self._carriage_return or self._pieces:
            self._carriage_return = ""
            self.take("\n")

    def drop(self, lines: int) -> None:
        """Forget the first lines."""
        self.chars -= sum(map(len, self.lines[:lines]))
        del self.lines[:lines]
