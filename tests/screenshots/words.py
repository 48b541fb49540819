"""What the team of the pictures asks, and what it is answered."""
# ruff: noqa: E501 - prose

from __future__ import annotations

ME, PASSWORD = "nora", "pictures-only"

POOL = "How large should our database pool be? Show the formula, compare three sizes, and give me a helper in Python."
POOL_ANSWER = """\
## Start from the work, not from a guess

A pool is full when as many queries are under way as it has connections. How many that are is *Little's law*: with $\\lambda$ queries a second that take $W$ seconds each,

$$ L = \\lambda W \\qquad\\text{and}\\qquad N = \\left\\lceil \\frac{\\lambda W}{\\rho} \\right\\rceil $$

where $\\rho$ is how busy you let the pool become. **0.7** leaves room for a burst.

| Pool | Busy at 400 queries/s | Wait, median | Verdict |
| ---: | ---: | ---: | :--- |
| 8 | 100 % | 41 ms | too small, it queues |
| 12 | 67 % | 2 ms | right |
| 40 | 20 % | 2 ms | wasteful, each costs about 9 MB |

```python
from math import ceil

def pool_size(per_second: float, seconds: float, busy: float = 0.7) -> int:
    \"\"\"Return how many connections keep the pool at most `busy`.\"\"\"
    return ceil(per_second * seconds / busy)

print(pool_size(400, 0.020))  # 12
```

Measure $W$ at the **95th percentile**, and look again when a report joins the load:

- [x] take the rate from the proxy's log
- [ ] alert when a query waits longer than 50 ms
"""

HASH = "Explain how a hash table grows, with an example."
HASH_ANSWER = """\
A hash table keeps its entries in an array of *buckets*. It stays fast as long as most buckets hold one entry or none, so it watches its **load factor**: entries divided by buckets.

### When it grows

1. An insertion lifts the load factor past a limit, often 0.75.
2. A new array is made, twice as long.
3. Every entry is put into the bucket that its hash now names.

The third step touches every entry, so this one insertion is slow. Because the array doubles, it happens rarely, and the cost of a long row of insertions is still $O(1)$ each.

```python
def grow(table):
    old, table.buckets = table.buckets, [[] for _ in range(2 * len(table.buckets))]
    for bucket in old:
        for key, value in bucket:
            table.put(key, value)
```

A table that shrinks again does the same in reverse, at a much lower limit, so that it does not sway between two sizes.
"""

FLOW = "Draw how an order travels through our services."
FLOW_ANSWER = """\
An order passes three services before anything is paid:

```mermaid
flowchart LR
  shop[Shop] -->|order| api[Order API]
  api --> stock{In stock?}
  stock -->|yes| pay[Payments]
  stock -->|no| wait[Waiting list]
  pay -->|paid| ship[Dispatch]
```

The **waiting list** asks again every hour, and *Payments* answers within two seconds or not at all.
"""

NOTE = "Write a release note of two lines for the new search."
NOTE_ANSWERS = {
    "openai": """\
**Search finds what you meant.** Type a few letters and every conversation that holds them is there, newest first, with the words marked.

Press Ctrl K from anywhere; the arrow keys and Enter do the rest.
""",
    "": """\
**New: search across all your conversations.** Results come while you type and open at the very message.

It reads titles and messages, ignores accents, and never leaves your server.
""",
}

TICKETS = "Group this week's support tickets by theme and name the three to fix first."
TICKETS_ANSWER = """\
Of 214 tickets, 171 fall into four themes:

- **Sign-in** (63): the code from the app is refused after a change of phone
- **Exports** (48): the file of a long project is cut off at 10,000 rows
- **Billing** (37): the invoice shows the old address
- **Speed** (23): the board takes
"""

ENDINGS = {
    POOL: POOL_ANSWER,
    HASH: HASH_ANSWER,
    FLOW: FLOW_ANSWER,
    TICKETS: TICKETS_ANSWER,
}
# Orders to the emulator, by the prompt that they come with.
ORDERS = {
    HASH: {"pace": "tokens_per_s=24 first_token_s=0.2"},
    TICKETS: {"fault": "error after=58"},
}

# Short ones: name, folder, days ago, prompt, and answer. They fill the list and the search.
OTHERS = (
    ("HTTP caching after RFC 9111", "Research", 2, "What changed in HTTP caching with RFC 9111?", "It obsoletes RFC 7234; the Warning header is gone."),
    ("Tone of the welcome e-mail", "Launch 2.4", 0, "Make this warmer, please.", "Here is a warmer version that keeps your three links."),
    ("Pricing page, second draft", "Launch 2.4", 1, "Is the pricing page clear?", "Mostly. The middle plan needs one sentence on what it lacks."),
    ("Checklist for the release", "Launch 2.4", 2, "Write a checklist for the release.", "Tests, notes, a tag, and somebody who watches the pool for an hour."),
    ("Interview questions, June", "Research", 3, "Draft questions for five interviews.", "Ask about the last time, never about the usual time."),
    ("What churned customers said", "Research", 9, "Summarise these exit surveys.", "Two themes: exports, and the price of the second seat."),
    ("Regex for invoice numbers", "", 0, "A regex for INV-2026-0001?", "`^INV-\\d{4}-\\d{4}$` will do."),
    ("Plan the offsite in Lisbon", "", 1, "Plan two days for nine people.", "Day one for the roadmap, day two for walking."),
    ("Translate the changelog into German", "", 1, "Translate this into German.", "Gern. Hier ist der Text."),
    ("Why the build got slower", "", 3, "Why did the build get slower?", "The cache key holds the date. The database pool is not to blame."),
    ("Postgres or SQLite for the pilot", "", 4, "Postgres or SQLite for the pilot?", "SQLite, until a second process writes."),
    ("Half as long and still kind", "", 5, "Make this half as long.", "Done, and it still thanks her."),
    ("Accessible colours for charts", "", 12, "Which colours are safe?", "Blue and orange first, then shapes."),
    ("Questions for the security review", "", 17, "What will they ask?", "Keys, backups, who reads the logs."),
    ("A name for the mascot", "", 24, "Name an otter.", "Lutra, of course."),
)  # fmt: skip
