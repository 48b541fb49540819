"""Colours for code, pure: a class for each token that has one, and the sheet that paints them.

`python -m chat.highlight > static/switchboard/code.css` writes the sheet anew. Each colour is
a pair for light and dark; `color-scheme` chooses, as everywhere on the page.
"""

import re
import sys
from functools import lru_cache
from html import escape
from typing import Final

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_by_name
from pygments.token import (
    Comment,
    Generic,
    Keyword,
    Literal,
    Name,
    Number,
    Operator,
    String,
    _TokenType,
)
from pygments.util import ClassNotFound

LONGEST_CODE: Final = 20_000  # code points: some 20 ms; longer code stays in one colour
_WILD = re.compile(r"[^\n]{400}|(?:\n[ \t\r\f\v]*){16}")

# Kind of token → Pygments' own short class; a kind that is not here is its parent, or plain.
# Few on purpose: a third of the spans, and the code still reads.
CLASSES: Final[dict[_TokenType, str]] = {
    Comment: "c",
    Comment.Preproc: "cp",
    Generic.Deleted: "gd",
    Generic.Heading: "gh",
    Generic.Inserted: "gi",
    Generic.Output: "go",
    Generic.Prompt: "gp",
    Generic.Subheading: "gh",
    Keyword: "k",
    Keyword.Constant: "kc",
    Keyword.Type: "kt",
    Literal: "l",
    Name.Attribute: "na",
    Name.Builtin: "nb",
    Name.Class: "nc",
    Name.Constant: "no",
    Name.Decorator: "nd",
    Name.Exception: "nc",
    Name.Function: "nf",
    Name.Tag: "nt",
    Name.Variable: "nv",
    Number: "m",
    Operator.Word: "k",
    String: "s",
    String.Escape: "se",
    String.Interpol: "si",
}
# (light, dark): each has a contrast of 4.5 and more on the page's `--sunken`.
COLOURS: Final[dict[str, tuple[str, str]]] = {
    "c": ("#59636e", "#9198a1"),
    "cp": ("#b3202c", "#ff8a80"),
    "gd": ("#82071e", "#ffa198"),
    "gh": ("#0550ae", "#79c0ff"),
    "gi": ("#116329", "#7ee787"),
    "go": ("#59636e", "#9198a1"),
    "gp": ("#59636e", "#9198a1"),
    "k": ("#b3202c", "#ff8a80"),
    "kc": ("#0550ae", "#79c0ff"),
    "kt": ("#8a3a00", "#ffb077"),
    "l": ("#0550ae", "#79c0ff"),
    "m": ("#0550ae", "#79c0ff"),
    "na": ("#0550ae", "#79c0ff"),
    "nb": ("#0550ae", "#79c0ff"),
    "nc": ("#8a3a00", "#ffb077"),
    "nd": ("#6639ba", "#d2a8ff"),
    "nf": ("#6639ba", "#d2a8ff"),
    "no": ("#0550ae", "#79c0ff"),
    "nt": ("#116329", "#7ee787"),
    "nv": ("#8a3a00", "#ffb077"),
    "s": ("#0a3069", "#a5d6ff"),
    "se": ("#0550ae", "#79c0ff"),
    "si": ("#0550ae", "#79c0ff"),
}
# What models write. A list, because a lookup of an unknown name scans installed packages.
_NAMES = """
abap actionscript ada apache applescript arduino asm awk bash basic bat batch c c# c++ clojure
cmake cobol coffeescript console cpp crystal cs csharp css cuda cypher cython d dart delphi
diff django docker dockerfile elisp elixir elm erlang f# fish fortran fsharp gdscript gherkin
glsl go golang graphql groovy handlebars haskell hcl html http ini java javascript jinja js
json json5 jsx julia kotlin latex less lisp lua make makefile markdown matlab md mysql nasm
nginx nim nix objc objective-c ocaml octave pascal perl php plpgsql postgres postgresql
powershell prolog properties proto protobuf ps1 puppet py python python3 r rb rs ruby rust
sass scala scheme scss sed sh shell shell-session solidity sparql sql swift systemverilog tcl
terraform tex toml ts tsx turtle twig typescript vbnet verilog vhdl vim vue xml yaml yml zig
zsh
"""
_OTHER_NAMES: Final = {
    "gradle": "groovy",
    "jinja2": "jinja",
    "jsonc": "json",
    "sol": "solidity",
    "sqlite": "sql",
    "svelte": "html",
    "vb": "vbnet",
    "wasm": "wast",
    "x86asm": "nasm",
}
LANGUAGES: Final = {name: name for name in _NAMES.split()} | _OTHER_NAMES


@lru_cache(maxsize=256)
def highlighted(code: str, language: str) -> str:
    """The code as escaped HTML with a class for each token; plain where nothing is to be coloured.

    Not one character of the code is lost or changed, whatever the lexer makes of it.
    """
    lexer = _lexer(language.lower()) if _is_tame(code) else None
    if lexer is None:
        return escape(code, quote=False)
    spans: list[tuple[str, str]] = []
    for _, kind, text in lexer.get_tokens_unprocessed(code):
        name = _class(kind)
        if spans and spans[-1][0] == name:
            spans[-1] = (name, spans[-1][1] + text)
        else:
            spans.append((name, text))
    if "".join(text for _, text in spans) != code:
        return escape(code, quote=False)
    return "".join(_span(name, escape(text, quote=False)) for name, text in spans)


def _is_tame(code: str) -> bool:
    """Whether no lexer can be made to take seconds over it.

    Their patterns are quadratic in the length of a line, and in the number of empty lines in a
    row: 8,000 newlines hold up the lexer for C, and with it the whole process, for 1.4 s.
    """
    return len(code) <= LONGEST_CODE and _WILD.search(code) is None


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    if language not in LANGUAGES:
        return None
    try:
        return get_lexer_by_name(LANGUAGES[language])
    except ClassNotFound:  # a name that this Pygments does not have
        return None


def _class(kind: _TokenType) -> str:
    while kind not in CLASSES:
        if kind.parent is None:
            return ""
        kind = kind.parent
    return CLASSES[kind]


def _span(name: str, text: str) -> str:
    return f'<span class="{name}">{text}</span>' if name else text


def style_sheet() -> str:
    """The CSS of all classes; those that share a pair of colours share a rule."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name, pair in COLOURS.items():
        groups.setdefault(pair, []).append(name)
    rules = "".join(
        f"  .code :is({', '.join(f'.{name}' for name in names)}) {{\n"
        f"    color: light-dark({light}, {dark});\n  }}\n"
        for (light, dark), names in groups.items()
    )
    return (
        "/* Written by `python -m chat.highlight`: change the colours there, not here. */\n"
        f"@layer page {{\n{rules}}}\n"
    )


if __name__ == "__main__":
    sys.stdout.write(style_sheet())
