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

LONGEST_CODE: Final = 12_000  # code points: some 10 ms; longer code stays in one colour
LONGEST_LINE: Final = 400
_LONG_GAP = re.compile(r"(?:\n[ \t\r\f\v]*){16}")

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
# What models write, as far as its lexer is tame: none of these took half a second of CPU for
# 12,000 characters of any of 50 kinds of junk, cut as `_is_tame` allows. Those for Java, C#,
# Groovy, HCL, Crystal and Markdown took more than three: another stands in, or there is no colour.
_NAMES = """
awk bash batch c clojure cmake common-lisp console cpp css d dart diff django docker
elixir erlang fortran fsharp glsl go graphql haskell html http ini javascript json jsx julia
kotlin latex lua make matlab nasm nginx nim nix objective-c ocaml pascal perl php powershell
properties protobuf python r ruby rust scala scheme scss solidity sql swift tcl toml
typescript vbnet verilog vhdl vim wast xml yaml zig
"""
_STAND_INS = """
bat=batch c#=typescript c++=cpp cc=cpp cjs=javascript crystal=ruby cs=typescript
csharp=typescript cu=cpp cuda=cpp dockerfile=docker elisp=common-lisp emacs-lisp=common-lisp
ex=elixir f#=fsharp golang=go gradle=typescript groovy=typescript h=c hcl=bash hpp=cpp
hs=haskell htm=html java=typescript jinja2=django jinja=django js=javascript json5=json
jsonc=json jsonl=json kt=kotlin less=scss lisp=common-lisp makefile=make mjs=javascript ml=ocaml
mysql=sql objc=objective-c octave=matlab patch=diff pl=perl plpgsql=sql postgres=sql
postgresql=sql proto=protobuf ps1=powershell py=python python3=python rb=ruby rs=rust sass=scss
sh=bash shell-session=console shell=bash sol=solidity sqlite=sql svelte=html svg=xml
systemverilog=verilog terraform=bash tex=latex tf=bash ts=typescript tsx=typescript twig=django
vb=vbnet vue=html wasm=wast x86asm=nasm yml=yaml zsh=bash
"""
LANGUAGES: Final[dict[str, str]] = {
    **{name: name for name in _NAMES.split()},
    **dict(pair.split("=") for pair in _STAND_INS.split()),
}


@lru_cache(maxsize=64)
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
    row: 8,000 newlines hold up the lexer for C, and with it the event loop, for 1.4 s.
    """
    short = len(code) <= LONGEST_CODE and max(map(len, code.split("\n"))) < LONGEST_LINE
    return short and _LONG_GAP.search(code) is None


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
