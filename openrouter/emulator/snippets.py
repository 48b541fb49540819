"""Small programs that an emulated answer can show. Each is right, and runs."""

from __future__ import annotations

BY_LANGUAGE = {
    "python": '''from collections import Counter
from collections.abc import Iterable


def most_common(words: Iterable[str], count: int = 3) -> list[tuple[str, int]]:
    """Return the words seen most often, ties in the order of their first appearance."""
    return Counter(word.casefold() for word in words).most_common(count)


print(most_common("the cat saw the dog and the dog saw the café".split()))
# [('the', 4), ('saw', 2), ('dog', 2)]''',
    "javascript": """// Wait until calls have stopped for a while, then run once.
export function debounce(action, delayMs = 250) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), delayMs);
  };
}

const search = debounce((text) => console.log(`searching for “${text}”`));
search("em"); search("emu"); search("emulator"); // one line in the console""",
    "typescript": """type Grouped<K extends string, T> = Partial<Record<K, T[]>>;

export function groupBy<T, K extends string>(items: T[], keyOf: (item: T) => K): Grouped<K, T> {
  const groups: Grouped<K, T> = {};
  for (const item of items) {
    (groups[keyOf(item)] ??= []).push(item);
  }
  return groups;
}""",
    "sql": """-- What each customer spent in the last full month, largest first
SELECT c.name,
       COUNT(*)               AS orders,
       ROUND(SUM(o.total), 2) AS spent
FROM orders AS o
JOIN customers AS c ON c.id = o.customer_id
WHERE o.placed_on >= DATE('now', 'start of month', '-1 month')
  AND o.placed_on <  DATE('now', 'start of month')
GROUP BY c.id, c.name
HAVING spent > 0
ORDER BY spent DESC
LIMIT 10;""",
    "bash": """#!/usr/bin/env bash
set -euo pipefail

# Keep one archive a day, and drop what is older than two weeks.
target="${1:?usage: backup FOLDER}"
mkdir -p "$HOME/backups"
tar --create --gzip --file "$HOME/backups/$(date +%F).tar.gz" "$target"
find "$HOME/backups" -name '*.tar.gz' -mtime +14 -delete
echo "saved $target"
""".rstrip(),
    "rust": """use std::collections::HashMap;

/// Count how often each word appears, ignoring case.
fn frequencies(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in text.split_whitespace() {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

fn main() {
    println!("{:?}", frequencies("so it goes so it went"));
}""",
    "go": """package main

import "fmt"

// worker squares numbers until the channel of jobs is closed.
func worker(jobs <-chan int, results chan<- int) {
	for n := range jobs {
		results <- n * n
	}
}

func main() {
	jobs, results := make(chan int, 5), make(chan int, 5)
	go worker(jobs, results)
	for n := 1; n <= 5; n++ {
		jobs <- n
	}
	close(jobs)
	for range 5 {
		fmt.Println(<-results)
	}
}""",
    "java": """import java.time.LocalDate;
import java.util.List;

record Task(String title, LocalDate due) {
    boolean isLate(LocalDate today) {
        return due.isBefore(today);
    }
}

class Tasks {
    static List<Task> late(List<Task> tasks, LocalDate today) {
        return tasks.stream().filter(task -> task.isLate(today)).toList();
    }
}""",
    "html": """<form method="post" action="/subscribe">
  <label for="email">Your address</label>
  <input id="email" name="email" type="email" autocomplete="email" required>
  <button>Subscribe</button>
</form>""",
    "css": """.cards {
  display: grid;
  grid-template-columns: repeat(auto-fit, minmax(16rem, 1fr));
  gap: 1rem;
}

.card {
  padding: 1rem;
  border-radius: 0.75rem;
  background: light-dark(#fff, #222);
}""",
}

PYTHON_BY_SUBJECT = {
    "fibonacci": '''from collections.abc import Iterator
from itertools import islice


def fibonacci() -> Iterator[int]:
    """Yield 0, 1, 1, 2, 3, 5, … for as long as somebody asks."""
    here, following = 0, 1
    while True:
        yield here
        here, following = following, here + following


print(list(islice(fibonacci(), 12)))
# [0, 1, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89]''',
    "prime": '''def primes(limit: int) -> list[int]:
    """Return all primes below `limit`, by the sieve of Eratosthenes."""
    is_prime = bytearray([1]) * limit
    is_prime[:2] = bytes(min(limit, 2))
    for number in range(2, int(limit**0.5) + 1):
        if is_prime[number]:
            is_prime[number * number :: number] = bytes(len(range(number * number, limit, number)))
    return [number for number in range(limit) if is_prime[number]]


print(primes(40))
# [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37]''',
    "merge": '''def merge(left: list[int], right: list[int]) -> list[int]:
    """Merge two sorted lists into one that is sorted."""
    merged, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            merged.append(left[i])
            i += 1
        else:
            merged.append(right[j])
            j += 1
    return merged + left[i:] + right[j:]


print(merge([1, 4, 9], [2, 3, 10]))
# [1, 2, 3, 4, 9, 10]''',
    "binary search": '''from collections.abc import Sequence


def find(numbers: Sequence[int], wanted: int) -> int | None:
    """Return where `wanted` is in sorted numbers, or None."""
    low, high = 0, len(numbers)
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low if low < len(numbers) and numbers[low] == wanted else None


print(find([2, 3, 5, 7, 11, 13], 11))
# 4''',
    "palindrome": '''def is_palindrome(text: str) -> bool:
    """True when the letters read the same both ways; case and punctuation do not count."""
    letters = [letter.casefold() for letter in text if letter.isalnum()]
    return letters == letters[::-1]


print(is_palindrome("Never odd or even"), is_palindrome("Otto, Hallo!"))
# True False''',
    "csv": '''import csv
from collections import defaultdict
from decimal import Decimal
from pathlib import Path


def totals(path: Path, group: str, amount: str) -> dict[str, Decimal]:
    """Add up one column of a CSV file for each value of another."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sums[row[group]] += Decimal(row[amount])
    return dict(sums)''',
}


def snippet(language: str, prompt: str) -> str:
    """The program that fits a prompt best."""
    lower = prompt.lower()
    if language == "python":
        for subject, code in PYTHON_BY_SUBJECT.items():
            if subject in lower:
                return code
    return BY_LANGUAGE[language]
