"""The model of capacity: it grows as it should, and docs/scaling.md says what it says."""

from __future__ import annotations

import pytest

from tests.bench.model import Costs, Habits, first_over, need, table
from tests.processes import ROOT

SCALING = (ROOT / "docs" / "scaling.md").read_text()


def test_the_page_shows_the_model_as_it_is() -> None:
    assert table([need(readers) for readers in (100, 1_000, 10_000, 1_000_000)]) in SCALING


@pytest.mark.parametrize("part", need(1).fill)
def test_the_page_names_each_limit_with_its_number(part: str) -> None:
    assert f"- {part}: at its limit with {first_over(part):,} readers" in SCALING


def test_ten_times_the_readers_take_ten_times_the_machines() -> None:
    small, large = need(10_000), need(100_000)
    assert large.processes == pytest.approx(10 * small.processes, rel=0.02)
    assert large.redis_threads == pytest.approx(10 * small.redis_threads)
    assert large.postgres_cores == pytest.approx(10 * small.postgres_cores)


def test_what_every_process_hears_of_every_reply_grows_with_the_square() -> None:
    name = "notices that Redis sends to all"
    assert need(100_000).fill[name] == pytest.approx(100 * need(10_000).fill[name], rel=0.03)


def test_a_dearer_chunk_takes_more_processes_and_slower_readers_take_fewer() -> None:
    usual = need(10_000).processes
    assert need(10_000, Costs(writer_us=400)).processes > usual
    assert need(10_000, habits=Habits(chunks_per_s=5)).processes < usual


def test_two_processes_are_the_least() -> None:
    assert need(1).processes == 2


def test_the_number_at_a_limit_is_where_the_limit_is() -> None:
    for name in need(1).fill:
        readers = first_over(name)
        assert need(round(readers * 0.94)).fill[name] < 1 <= need(round(readers * 1.06)).fill[name]
