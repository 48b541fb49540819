"""How dear drawing is: `python -m tests.bench_markdown`. It prints, and asserts nothing.

Tokens are taken as four characters. A feed of five tokens every 50 ms is an answer at 100
tokens a second; the clock that `Drawing` sees is counted, never read. Times are CPU times, which
others on the machine do not lengthen much.
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import quantiles
from time import process_time

from chat.markdown import Drawing, render

TOKEN_CHARS = 4
FEED_S = 0.05
TAIL = '<span id="m1-tail"></span>'

PIECE = """## Part {n}: what a queue is for

A queue **decouples** the one who asks from the one who works. It is *not* a database, though it
keeps what it was given; see [the manual](https://example.org/queue/{n}?a=1) or `queue.put()`, and
https://example.org/plain/{n} for the rest. The load is $\\lambda / \\mu$, which stays below 1.

1. The producer writes, and goes on at once.
2. The broker keeps the message until it is **acknowledged**:
   - in memory, which is quick;
   - on disk, which is safe.
3. The consumer takes it, works, and says so.

```python
async def consume(queue: asyncio.Queue[Job]) -> None:
    while True:
        job = await queue.get()  # waits here, without a busy loop
        try:
            await job.run(timeout_s={n})
        finally:
            queue.task_done()
```

| broker | order | price per million |
|:-------|:-----:|------------------:|
| memory | yes   | $0.00             |
| disk   | yes   | $0.{n:02}             |

> What is not acknowledged comes again: work must be able to happen twice.

$$
L = \\lambda W, \\quad \\rho = \\frac{{\\lambda}}{{\\mu}}
$$

"""


@dataclass(frozen=True)
class Cost:
    p50_ms: float
    p99_ms: float
    max_ms: float
    total_s: float
    sent_kb: float

    def __str__(self) -> str:
        return (
            f"p50 {self.p50_ms:7.3f} ms  p99 {self.p99_ms:7.3f} ms  max {self.max_ms:7.2f} ms"
            f"  total {self.total_s:6.3f} s  sent {self.sent_kb:7.0f} kB"
        )


def answer(tokens: int) -> str:
    """A typical long answer: headings, prose, lists, code, a table, a quote, formulas."""
    pieces = "".join(PIECE.format(n=n) for n in range(1 + tokens * TOKEN_CHARS // len(PIECE)))
    return pieces[: tokens * TOKEN_CHARS]


def slices(text: str, size: int) -> Iterator[str]:
    return (text[at : at + size] for at in range(0, len(text), size))


def measure(text: str, tokens_a_feed: int = 5) -> Cost:
    drawing, now_s, spent_s, sent = Drawing(TAIL), 0.0, [], 0
    for piece in slices(text, tokens_a_feed * TOKEN_CHARS):
        begin = process_time()
        stroke = drawing.feed(piece, now_s)
        spent_s.append(process_time() - begin)
        sent += len(stroke.closed_html) + len(stroke.open_html or "") + len(stroke.tail_text)
        now_s += FEED_S
    begin = process_time()
    drawing.finish()
    end_s = process_time() - begin
    cuts = quantiles(spent_s, n=100)
    return Cost(
        cuts[49] * 1e3, cuts[98] * 1e3, max(*spent_s, end_s) * 1e3, sum(spent_s) + end_s, sent / 1e3
    )


def in_fence(body: str) -> str:
    return f"```python\n{body}"


CASES: dict[str, Callable[[], str]] = {
    "answer of 20,000 tokens": lambda: answer(20_000),
    "fence of 600 lines": lambda: in_fence("    value = compute(first, second)  # why\n" * 600),
    "list of 600 items": lambda: "- an **item** with `code` and some more words in it\n" * 600,
    "loose list of 600": lambda: "- an **item** with `code` and some more words in it\n\n" * 600,
    "nested list of 600": lambda: "- top\n" + "  - an **item** with `code` and more words\n" * 600,
    "fence in a list item": lambda: "1. do:\n   ```py\n" + "   value = compute(first)\n" * 600,
    "table of 600 rows": lambda: "| a | b |\n|---|---|\n" + "| some *cell* | `another` |\n" * 600,
    "quote of 600 lines": lambda: "> some *quoted* words that go on\n" * 600,
    "lines without a gap, 600": lambda: "some *words* that go on and on for a line\n" * 600,
    "200 kB without a newline": lambda: "some *words* `and` more " * 8_500,
    "200 kB of one letter": lambda: "x" * 200_000,
    "definitions, 2,000": lambda: "".join(f"[l{n}]: https://a.b/{n}\n" for n in range(2_000)),
    "nested quotes": lambda: (">" * 500 + " x\n") * 40,
    "nested items": lambda: "".join("  " * n + "- x\n" for n in range(300)),
    "20,000 [": lambda: "[" * 20_000,
    "20,000 ![": lambda: "![" * 10_000,
    "20,000 *": lambda: "*" * 20_000,
    "*a **b over and over": lambda: "*a **b " * 3_000,
    "20,000 <": lambda: "<" * 20_000,
    "20,000 `": lambda: "".join("`" * (1 + n % 50) + "a" for n in range(800)),
    "20,000 $": lambda: "$a " * 7_000,
    "\\( over and over": lambda: "\\(a " * 5_000,
    "[a]( over and over": lambda: "[a](" * 5_000,
    "[a](<b over and over": lambda: "[a](<b" * 4_000,
    "![[]() over and over": lambda: "![[]()" * 3_000,
    "addresses, 2,000": lambda: "https://example.org/(((( " * 2_000,
    "one address of 50 kB": lambda: "https://example.org/" + ")" * 50_000,
    "entities": lambda: "&amp" * 5_000,
    "table of 1,000 columns": lambda: "|a" * 1_000 + "\n" + "|-" * 1_000 + "\n" + "x\n" * 2_000,
    "quote with lazy lines": lambda: "> a\nb\n" * 5_000,
    "list with gaps": lambda: "- a\n\n\n" * 5_000,
    "hard breaks": lambda: "a  \n" * 10_000,
    "images in images": lambda: "![a](https://a.b/" * 3_000,
    "50,000 spaces": lambda: " " * 50_000,
    "formulas, 1,000": lambda: "".join(f"$x_{{{n}}}^2$ and " for n in range(1_000)),
}


def main() -> None:
    wanted = sys.argv[1:]
    for name, text in CASES.items():
        if not wanted or any(word in name for word in wanted):
            source = text()
            begin = process_time()
            render(source)
            whole_ms = (process_time() - begin) * 1e3
            sys.stdout.write(f"{name:26} {measure(source)}  render {whole_ms:8.1f} ms\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
