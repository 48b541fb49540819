"""LaTeX to MathML, pure: what every current browser draws without a script or a font.

latex2mathml does the translation. Its tree is written out here and not by its own
`convert`, because that unescapes its result: `\\text{<img onerror=…>}` would be live.
Only the elements and attribute values below get through, so `\\href`, `\\style`,
`\\class` and a kilometre of `\\hspace` leave nothing behind.
"""

import re
from functools import lru_cache
from html import escape
from typing import Final
from xml.etree.ElementTree import Element  # nosec B405 # made here, nothing is parsed

from latex2mathml import exceptions as latex_errors
from latex2mathml.converter import Converter

LONGEST_FORMULA: Final = 2_000  # code points; longer is shown as its source
DEEPEST_GROUP: Final = 40  # latex2mathml recurses for each
MACROS: Final = re.compile(r"\\(?:def|g?let|edef|(?:re)?newcommand|newenvironment|Declare)")

_NAMES = """
math mrow mi mn mo ms mtext mspace msub msup msubsup munder mover munderover mfrac msqrt mroot
mtable mtr mtd mstyle mpadded mphantom
"""
TAGS: Final = frozenset(_NAMES.split())
_FLAG = re.compile(r"true|false")
_SIZE = re.compile(r"-?[0-3]?(?:\.\d{1,4})?em|0(?:px)?|(?:negative)?(?:thin|medium|thick)mathspace")
ATTRIBUTES: Final = {
    "accent": _FLAG,
    "columnalign": re.compile(r"(?:left|center|right)(?: (?:left|center|right)){0,20}"),
    "columnlines": re.compile(r"(?:none|solid|dashed)(?: (?:none|solid|dashed)){0,20}"),
    "columnspacing": _SIZE,
    "display": re.compile(r"block|inline"),
    "displaystyle": _FLAG,
    "fence": _FLAG,
    "form": re.compile(r"prefix|infix|postfix"),
    "linethickness": re.compile(r"0"),
    "lspace": re.compile(r"0\.05em"),
    "mathcolor": re.compile(r"[a-zA-Z]{3,20}|#[0-9a-fA-F]{3,6}"),
    "mathsize": _SIZE,
    "mathvariant": re.compile(r"normal"),
    "maxsize": _SIZE,
    "minsize": _SIZE,
    "movablelimits": _FLAG,
    "rowspacing": _SIZE,
    "rspace": re.compile(r"0\.05em"),
    "scriptlevel": re.compile(r"[0-3]"),
    "separator": _FLAG,
    "stretchy": _FLAG,
    "width": _SIZE,
}
_NESTING = re.compile(r"[{}]|\\left|\\right|\\begin|\\end")
_DEEPER = {"{", "\\left", "\\begin"}
_UNDER: Final = {"msub": "munder", "msubsup": "munderover"}
LIMITS: Final = {"lim", "max", "min", "sup", "inf"}
_REFERENCE = re.compile(r"&#x([0-9A-Fa-f]{1,6});")

# latex2mathml has no common base for its errors, and a few faults of its own on odd input.
_LATEX_ERRORS: Final[tuple[type[Exception], ...]] = (
    *(
        error
        for error in vars(latex_errors).values()
        if isinstance(error, type) and issubclass(error, Exception)
    ),
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,  # a generator that ran dry, and too deep a recursion
    StopIteration,
    TypeError,
    ValueError,
)


@lru_cache(maxsize=512)
def mathml(latex: str, *, display: bool) -> str | None:
    """The formula as a `<math>` element, its source in `alttext`; None when it cannot be drawn.

    `alttext` is what a reader without MathML is told, and what the page copies.
    """
    if len(latex) > LONGEST_FORMULA or _depth(latex) > DEEPEST_GROUP or MACROS.search(latex):
        return None  # a macro that doubles itself would take the machine down
    try:
        tree = Converter(display="block" if display else "inline").convert_to_element(latex)
        inner = "".join(_written(child) for child in tree)
    except _LATEX_ERRORS:
        return None
    kind = "block" if display else "inline"
    return f'<math display="{kind}" alttext="{escape(latex)}">{inner}</math>'


def _depth(latex: str) -> int:
    """How deep the braces, `\\left`s and environments of the formula nest."""
    depth = deepest = 0
    for step in _NESTING.findall(latex):
        depth += 1 if step in _DEEPER else -1
        deepest = max(depth, deepest)
    return deepest


def _written(element: Element) -> str:
    tag, boxed = element.tag, ""
    if tag == "menclose":  # not in MathML Core; the page's CSS draws the box
        tag, boxed = "mrow", ' class="boxed"'
    if (
        tag in _UNDER and len(element) and element[0].text in LIMITS
    ):  # latex2mathml sets these beside the name
        tag = _UNDER[tag]
        element[0].set("movablelimits", "true")
    inner = _text(element.text) + "".join(_written(child) for child in element)
    if tag not in TAGS:
        return inner + _text(element.tail)
    kept = "".join(
        f' {name}="{value}"'
        for name, value in element.attrib.items()
        if name in ATTRIBUTES and ATTRIBUTES[name].fullmatch(value)
    )
    return f"<{tag}{kept}{boxed}>{inner}</{tag}>{_text(element.tail)}"


def _text(text: str | None) -> str:
    """Escaped text, after the references that latex2mathml writes have become characters."""
    return escape(_REFERENCE.sub(_character, text), quote=False) if text else ""


def _character(reference: re.Match[str]) -> str:
    code = int(reference[1], 16)
    return chr(code) if 0x20 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF else "\ufffd"
