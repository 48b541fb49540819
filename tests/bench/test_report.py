"""What the bench makes of what it saw."""

import pytest

from tests.bench.load import Level
from tests.bench.machine import Usage
from tests.bench.person import Sample, prompt, stamp_in
from tests.bench.report import cores, percentile, told, verdict


def sample(first_text_s: float) -> Sample:
    return Sample(at=100.0, first_text_s=first_text_s, upstream_s=first_text_s / 2)


def test_a_percentile_is_a_value_that_was_seen() -> None:
    values = [5.0, 1.0, 4.0, 2.0, 3.0]
    assert [percentile(values, share) for share in (0.5, 0.9, 0.99)] == [3.0, 5.0, 5.0]
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_the_text_of_an_earlier_answer_is_not_the_first_text() -> None:
    frame = b'<div hx-swap-oob="beforeend:#m1-tail">99.500000 ooo</div>'
    assert stamp_in(frame, since=100.0) is None
    assert stamp_in(frame + b"<p>100.250000 ooo</p>", since=100.0) == 100.25


def test_a_prompt_orders_an_answer_of_the_wanted_length() -> None:
    assert "chunks=60 rate=20" in prompt(3.0)
    assert "chunks=1 rate=20" in prompt(0)


def test_the_goal_is_judged_by_the_median_of_one_and_of_twenty_streams() -> None:
    quick = Level(1, through=[sample(0.011), sample(0.011), sample(0.500)])
    slow = Level(20, through=[sample(0.013)])
    many = Level(100, through=[sample(9.0)])
    said = verdict([("daphne", quick), ("daphne", slow), ("daphne", many)]).splitlines()[1:]
    assert said == [
        "daphne, 1: median 11.0 ms, goal met",
        "daphne, 20: median 13.0 ms, goal MISSED",
    ]


def test_a_level_is_told_with_its_ratio_and_its_failures() -> None:
    level = Level(1, through=[sample(0.010)], direct=[sample(0.002)], failures=["it broke"])
    text = told(level, "uvicorn")
    assert text.startswith("uvicorn, 1 stream\n")
    ratio = next(line for line in text.splitlines() if line.strip().startswith("ratio"))
    assert ratio.split()[1:] == ["5.0", "5.0", "5.0"]
    assert "FAILED: it broke" in text


def test_a_level_in_which_nothing_came_is_told_too() -> None:
    assert "uvicorn, 20 streams" in told(Level(20), "uvicorn")


def test_a_run_that_others_disturbed_says_so() -> None:
    assert "DISTURBED" in cores(Usage({"server": 0.2}, foreign=0.9))
    assert "DISTURBED" not in cores(Usage({"server": 0.2}, foreign=0.1))
