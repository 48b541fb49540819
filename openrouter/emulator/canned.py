"""Answers to what everybody asks a new chat, and sums, which must come out right."""
# ruff: noqa: E501, RUF001 - prose, and signs of arithmetic

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, DivisionByZero, InvalidOperation

SUM = re.compile(
    r"(-?\d[\d,]*(?:\.\d+)?)\s*([+\-*/×x·÷]|plus|minus|times|divided by)\s*(-?\d[\d,]*(?:\.\d+)?)"
)
SIGNS: dict[str, tuple[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "+": ("+", lambda a, b: a + b),
    "-": ("−", lambda a, b: a - b),
    "*": ("×", lambda a, b: a * b),
    "/": ("÷", lambda a, b: a / b),
}
SPOKEN = {
    "plus": "+",
    "minus": "-",
    "times": "*",
    "×": "*",
    "x": "*",
    "·": "*",
    "divided by": "/",
    "÷": "/",
}
COUNT = re.compile(r"\bcount (?:from )?(\d+) (?:up )?to (\d+)\b")

SKY = """## Why the sky is blue

Sunlight looks white, but it holds all colours. On its way through the air it meets molecules that are much smaller than its waves, and those scatter **short waves far more than long ones**. This is *Rayleigh scattering*:

$$ I \\propto \\frac{1}{\\lambda^4} $$

Blue light has a wavelength of about 450 nm, red light of about 700 nm, so blue is scattered roughly $(700/450)^4 \\approx 5.9$ times as strongly.

| Colour | Wavelength | Scattered, red = 1 |
| --- | ---: | ---: |
| Red | 700 nm | 1.0 |
| Green | 530 nm | 3.0 |
| Blue | 450 nm | 5.9 |

Wherever you look, some of that scattered blue reaches your eye, and the whole sky glows in it.

- **Why not violet?** There is less of it in sunlight, and our eyes are less keen on it.
- **Why are sunsets red?** In the evening the light crosses far more air; the blue is lost on the way and the red remains. 🌅
"""

INTEREST = """## Compound interest

Interest is *compound* when it earns interest itself. A sum $P$ at a yearly rate $r$, credited $n$ times a year, grows in $t$ years to

$$ A = P \\left(1 + \\frac{r}{n}\\right)^{n t} $$

With 1,000 € at 5 %, credited once a year:

| Years | Balance | Interest so far |
| ---: | ---: | ---: |
| 1 | 1,050.00 € | 50.00 € |
| 10 | 1,628.89 € | 628.89 € |
| 20 | 2,653.30 € | 1,653.30 € |
| 30 | 4,321.94 € | 3,321.94 € |

> **Rule of 72:** divide 72 by the rate in percent, and you have the years in which money doubles. At 5 % that is a little over 14.

```python
def balance(principal: float, rate: float, years: int, per_year: int = 1) -> float:
    return principal * (1 + rate / per_year) ** (per_year * years)


print(f"{balance(1000, 0.05, 20):,.2f}")  # 2,653.30
```

The lesson of the table is *time*: the last ten years earn more than the first twenty.
"""

HAIKU = """*First light on the page,*
*a cursor blinks and listens:*
*words arrive like snow.* ❄️
"""

SUBJECTS = (
    (re.compile(r"sky\b.*\bblue|blue\b.*\bsky"), SKY),
    (re.compile(r"compound interest|zinseszins"), INTEREST),
    (re.compile(r"\bhaiku\b"), HAIKU),
)


def canned(prompt: str) -> str | None:
    """The answer to a question that is known here; None for all others."""
    lower = prompt.lower()
    if len(lower) < 200:
        if counting := COUNT.search(lower):
            return count_up(int(counting[1]), int(counting[2]))
        if found := SUM.search(lower):
            return work_out(found[1], found[2], found[3])
    return next((text for pattern, text in SUBJECTS if pattern.search(lower)), None)


def count_up(first: int, last: int) -> str | None:
    if not first <= last <= first + 10_000:
        return None
    return ", ".join(str(number) for number in range(first, last + 1))


def work_out(left: str, sign: str, right: str) -> str | None:
    a, b = Decimal(left.replace(",", "")), Decimal(right.replace(",", ""))
    shown, reckon = SIGNS[SPOKEN.get(sign, sign)]
    try:
        result = reckon(a, b)
    except (DivisionByZero, InvalidOperation):
        return "Nothing can be divided by zero."
    plain = format(result.normalize(), "f") if result else "0"
    return f"{left} {shown} {right} = **{plain[:40]}**"
