"""What a finished answer looks like: `render`, and the parts it is made of."""

import re
from typing import Final

import pytest
from pygments.lexers import LEXERS

from chat.highlight import COLOURS, LANGUAGES, highlighted, style_sheet
from chat.markdown import Drawing, render
from chat.mathml import mathml
from chat.sanitiser import clean
from tests.chat.markdown_follower import TAIL, Follower, Page, cut, drawn

LINK = 'target="_blank" rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("", ""),
        (
            "a **b** *c* ~~d~~ `e`",
            "<p>a <strong>b</strong> <em>c</em> <s>d</s> <code>e</code></p>\n",
        ),
        ("a  \nb", "<p>a<br>\nb</p>\n"),
        ("a\r\nb\rc", "<p>a\nb\nc</p>\n"),
        ("# A\n## B ##\nC\n---", "<h1>A</h1>\n<h2>B</h2>\n<h2>C</h2>\n"),
        ("***", "<hr>\n"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>\n'),
        ("- a\n\n- b", "<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>\n"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>\n"),
        ("&copy; &#65;", "<p>© A</p>\n"),
        ("<b>a</b>", "<p>&lt;b&gt;a&lt;/b&gt;</p>\n"),
        ("    a\n", '<pre tabindex="0"><code>a\n</code></pre>\n'),
        ("a\x00b\ud83d", "<p>a\ufffdb\ufffd</p>\n"),
    ],
)
def test_what_a_model_writes_becomes_html(source: str, html: str) -> None:
    assert render(source) == html


def test_a_link_opens_elsewhere_and_passes_nothing_on() -> None:
    assert (
        render('[a](https://b.c "d")') == f'<p><a href="https://b.c" title="d" {LINK}>a</a></p>\n'
    )


@pytest.mark.parametrize("address", ["http://b.c", "https://b.c/d?e=f", "mailto:a@b.c"])
def test_links_lead_to_the_web_and_to_mail(address: str) -> None:
    assert f'href="{address}"' in render(f"[a]({address})")


@pytest.mark.parametrize(
    "address", ["javascript:a", "data:text/html,a", "//b.c", "/a", "#a", "ftp://b"]
)
def test_any_other_address_is_text(address: str) -> None:
    assert "<a" not in render(f"[a]({address})")


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("https://a.b/c", "https://a.b/c"),
        ("(see https://a.b/c).", "https://a.b/c"),
        ("https://a.b/c_(d)", "https://a.b/c_(d)"),
        ("**https://a.b/c**", "https://a.b/c"),
        ("HTTPS://a.b", "HTTPS://a.b"),
        ("xhttps://a.b", None),
        ("https://", None),
        ("`https://a.b`", None),
        ("www.a.b", None),
    ],
)
def test_a_bare_address_is_a_link_without_the_sentence_around_it(
    text: str, target: str | None
) -> None:
    links = [link["href"] for tag, link in Page(render(text)).elements if tag == "a"]
    assert links == ([target] if target else [])
    assert Page(render(text)).text.strip() == text.strip("*`")


def test_an_image_from_elsewhere_is_a_link_and_one_in_the_text_is_shown() -> None:
    assert (
        render("![alt](https://a.b/c.png)")
        == f'<p><a href="https://a.b/c.png" {LINK}>alt</a></p>\n'
    )
    assert render("![alt](data:image/png;base64,AA==)") == (
        '<p><img src="data:image/png;base64,AA==" alt="alt"></p>\n'
    )
    assert render("[![alt](https://a.b/c.png)](https://d.e)") == (
        f'<p><a href="https://d.e" {LINK}>alt</a></p>\n'
    )


def test_a_table_keeps_its_sides_without_a_style() -> None:
    html = render("| a | b |\n|:--|--:|\n| 1 | **2** |\n")
    assert '<th class="left">a</th>' in html
    assert '<td class="right"><strong>2</strong></td>' in html
    assert "style" not in html


def test_a_task_has_a_box_that_says_whether_it_is_done() -> None:
    html = render("- [x] a\n- [ ] b\n- [] c\n")
    assert html.count('<input type="checkbox"') == html.count('disabled=""') == 2
    assert html.count('checked=""') == 1
    assert "<li>[] c</li>" in html


def test_a_footnote_stands_where_it_is_written_under_its_own_label() -> None:
    html = render("a[^1]\n\n[^1]: b\n    c\n")
    assert html.startswith('<p>a<sup class="note">[1]</sup></p>')
    assert '<div class="note"><sup class="note">[1]</sup>\n<p>b\nc</p>\n</div>' in html
    assert "note" not in render("[^a-z] [^] [^x](https://a.b)")


def test_a_fence_has_its_language_a_button_and_colours() -> None:
    html = render("```python\nif x: pass\n```\n")
    assert html.startswith(
        '<figure class="code"><figcaption><span class="language">python</span>'
        '<button type="button" class="copy">Copy</button></figcaption><pre tabindex="0"><code>'
    )
    assert '<span class="k">if</span>' in html


@pytest.mark.parametrize(
    "code", ["\n\n  a\t\n\n", "print('é😀')\n", "<script>&amp;\n", "\ufeffx\r"]
)
@pytest.mark.parametrize("language", ["python", "html", "console", "json", "no-such", ""])
def test_colours_change_no_letter_of_the_code(code: str, language: str) -> None:
    assert Page(f"<pre>{highlighted(code, language)}</pre>").text == code


@pytest.mark.parametrize("code", ["int x;" + "\n" * 16, "int x; " * 60, "int x;\n" * 2_000])
def test_code_that_would_hold_up_a_lexer_stays_plain(code: str) -> None:
    assert "span" in highlighted("int x;", "c")
    assert highlighted(code, "c") == code


def test_every_language_that_is_listed_is_known_to_the_highlighter() -> None:
    aliases = {alias for _, _, names, _, _ in LEXERS.values() for alias in names}
    assert not set(LANGUAGES.values()) - aliases


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


SUNKEN: Final = {"light": "#f3f3f0", "dark": "#161a1c"}  # about tokens.css's --sunken


@pytest.mark.parametrize(("light", "dark"), COLOURS.values())
def test_code_can_be_read_in_light_and_dark(light: str, dark: str) -> None:
    assert (luminance(SUNKEN["light"]) + 0.05) / (luminance(light) + 0.05) >= 4.5
    assert (luminance(dark) + 0.05) / (luminance(SUNKEN["dark"]) + 0.05) >= 4.5


def test_the_sheet_on_disk_is_the_one_we_write(request: pytest.FixtureRequest) -> None:
    sheet = request.config.rootpath / "static/switchboard/code.css"
    assert sheet.read_text() == style_sheet()


@pytest.mark.parametrize(
    ("source", "formulas"),
    [
        ("a $x^2$ b", ["x^2"]),
        (r"a \(x\) b \[y\]", ["x", "y"]),
        ("$$\nx\n- y\n= z\n$$\n", ["x\n- y\n= z"]),
        ("\\[\nx\n\\]\nand on", ["x"]),
        ("- a\n  $$x$$\n", ["x"]),
        ("it costs $5 and $10", []),
        ("US$5 or A$6", []),
        ("$ x $", []),
        (r"\$x\$", []),
        ("`$x$`", []),
        ("$$ never closed\n\nnext", []),
    ],
)
def test_formulas_are_found_and_prices_are_not(source: str, formulas: list[str]) -> None:
    found = [math["alttext"] for tag, math in Page(render(source)).elements if tag == "math"]
    assert found == formulas


def test_a_formula_that_cannot_be_drawn_shows_its_source() -> None:
    assert render(r"$\left( x$") == '<p><code class="formula">$\\left( x$</code></p>\n'
    assert render(r"$$\def\a{\a\a}\a$$") == (
        '<div class="formula"><code class="formula">$$\\def\\a{\\a\\a}\\a$$</code></div>\n'
    )


@pytest.mark.parametrize(
    "latex", ["{" * 500, "x" * 5_000, r"\sqrt" * 300, r"\frac" * 200, "'" * 900]
)
def test_a_monstrous_formula_does_not_break_drawing(latex: str) -> None:
    assert mathml(latex, display=True) is None or "<math" in render(f"$${latex}$$")


def test_symbols_are_letters_and_sizes_are_bounded() -> None:
    drawn_formula = mathml(r"\alpha \le \infty \hspace{999em} \hspace{1em}", display=False) or ""
    assert {"\N{GREEK SMALL LETTER ALPHA}", "≤", "∞"} <= set(drawn_formula)
    assert re.findall(r'width="([^"]*)"', drawn_formula) == ["1em"]


def test_the_second_wall_stands_without_the_first() -> None:
    assert clean(
        '<p id="a" class="b" style="c" hx-get="d" onclick="e">f<script>g</script></p>'
    ) == ("<p>f</p>")
    assert clean('<span class="k m42">a</span>') == '<span class="k">a</span>'
    page = Page(clean('<a href="data:image/png;base64,A">a</a><img src="https://a.b">'))
    assert [set(attributes) for _, attributes in page.elements] == [{"rel", "target"}, set()]


# --- In strokes ---


def test_prose_is_drawn_once_and_then_only_added_to() -> None:
    _, strokes = drawn(cut("plain words that go on for a while", 4))
    assert [stroke.open_html is None for stroke in strokes[:-1]] == [False] + [True] * 8


def test_code_goes_straight_to_the_tail() -> None:
    _, strokes = drawn(cut("```py\n" + "x = [1]\n*y* = `2`\n" * 20, 9), step_s=1.0)
    assert sum(stroke.open_html is not None for stroke in strokes) == 2  # begun, and ended
    assert "".join(stroke.tail_text for stroke in strokes).endswith("*y* = `2`\n")


def test_markup_is_drawn_at_most_four_times_a_second() -> None:
    _, strokes = drawn(cut("**a** `b` " * 100, 5), step_s=0.01)
    assert sum(stroke.open_html is not None for stroke in strokes) <= 2 + 4 * 200 * 0.01


@pytest.mark.parametrize(
    "beginning", ["-", "1.", "##", "```", "```py", "> ", "| ", "---", "[x", "$$"]
)
def test_a_marker_alone_is_not_shown(beginning: str) -> None:
    drawing = Drawing(TAIL)
    drawing.feed("text\n", 0.0)
    stroke = drawing.feed(beginning, 1.0)
    assert beginning not in Page("".join(drawing.snapshot())).text
    assert not stroke.tail_text.strip()
    assert drawing.is_waiting


def test_what_waits_is_shown_when_asked_for_later() -> None:
    drawing, follower = Drawing(TAIL), Follower()
    for text, now_s in (("- one\n", 0.0), ("- two", 0.1), ("", 0.3)):
        follower.apply(drawing.feed(text, now_s))
    assert "<li>two<" in follower.opened
    assert not drawing.is_waiting


def test_a_block_is_closed_by_a_complete_line_only() -> None:
    drawing = Drawing(TAIL)
    assert drawing.feed("a\n\nb", 0.0).closed_html == "<p>a</p>\n"
    assert drawing.feed("\n=", 1.0).closed_html == ""
    assert drawing.feed("==\n", 2.0).closed_html == "<h1>b</h1>\n"


def test_a_heading_a_rule_and_a_finished_fence_close_at_once() -> None:
    drawing = Drawing(TAIL)
    assert drawing.feed("# a\n", 0.0).closed_html == "<h1>a</h1>\n"
    assert drawing.feed("---\n", 0.0).closed_html == "<hr>\n"
    assert "</figure>" in drawing.feed("```\nb\n```\n", 0.0).closed_html


def test_the_tail_stands_in_the_innermost_block() -> None:
    for source, around in (
        ("a", f"<p>a{TAIL}</p>"),
        ("- a\n  - b", f"<li>b{TAIL}</li>"),
        ("> a", f"<p>a{TAIL}</p>"),
        ("```\na", f"<code>a{TAIL}</code>"),
        ("|a|b|\n|-|-|\nc ", f"<td>c{TAIL}</td>\n<td></td>"),
        ("|a|b|\n|-|-|\n|c | ", f"<td>c</td>\n<td>{TAIL}</td>"),
        ("**a**", f"</strong>{TAIL}</p>"),
        ("`a`", f"</code>{TAIL}</p>"),
    ):
        assert around in (Drawing(TAIL).feed(source, 0.0).open_html or ""), source


def test_a_space_before_the_tail_is_kept() -> None:
    drawing = Drawing(TAIL)
    drawing.feed("two ", 0.0)
    drawing.feed("words\n", 0.0)
    drawing.feed("and more", 0.0)
    assert Page(drawing.open_html).text == "two words\nand more\n"


def test_a_link_whose_definition_comes_late_is_text_until_the_answer_is_whole() -> None:
    source = "[a]\n\n[a]: https://b.c\n"
    closed, _ = drawn(cut(source, 3))
    assert closed == "<p>[a]</p>\n"
    assert "<a" in render(source)


def test_a_link_defined_before_is_a_link_in_strokes() -> None:
    source = "[a]: https://b.c\n[d]: https://e.f\n\ng [a] [d]\n"
    closed, _ = drawn(cut(source, 3))
    assert closed == render(source)
    assert closed.count("<a") == 2


@pytest.mark.parametrize("line", ["- an **item**\n", "a *line*\n", "> a *quote*\n", "*a* "])
def test_a_long_open_block_is_drawn_more_and_more_rarely(line: str) -> None:
    _, strokes = drawn(cut(line * (16_000 // len(line)), 20), step_s=0.05)
    drawings = [step for step, stroke in enumerate(strokes[:-1]) if stroke.open_html is not None]
    sent = sum(len(stroke.open_html or "") for stroke in strokes)
    assert sent < 50_000 * len(strokes) * 0.05  # bytes a second
    assert drawings[-1] - drawings[-2] > drawings[2] - drawings[1] >= 5


def test_an_answer_of_nothing_is_nothing() -> None:
    assert drawn([])[0] == drawn(["", "\n", " \n\n"])[0] == ""
