"""Frames get rarer while the event loop comes round late, and only then."""

from __future__ import annotations

import pytest

from chat.pace import FRAME_S, SLOWEST_FRAME_S, Pace, frame_interval_s, smoothed


@pytest.mark.parametrize("lag_s", [0.0, 0.001, 0.01])
def test_a_loop_with_time_to_spare_draws_at_full_pace(lag_s: float) -> None:
    assert frame_interval_s(lag_s) == FRAME_S


def test_the_later_the_loop_the_rarer_the_frames() -> None:
    intervals = [frame_interval_s(ms / 1000) for ms in range(10, 80, 5)]
    assert intervals == sorted(intervals)
    assert intervals[0] < intervals[-1]
    assert 0.1 < frame_interval_s(0.05) < SLOWEST_FRAME_S


def test_a_reply_is_never_drawn_less_than_five_times_a_second() -> None:
    assert frame_interval_s(30.0) == SLOWEST_FRAME_S == 0.2


def test_one_hiccup_is_followed_at_once_and_forgotten_in_seconds() -> None:
    pace = Pace()
    pace.feel(0.2)
    assert pace.frame_s == SLOWEST_FRAME_S
    for _ in range(30):  # three seconds
        pace.feel(0.0)
    assert pace.frame_s == FRAME_S


def test_a_steady_lag_is_met_where_it_is() -> None:
    lag_s = 0.0
    for _ in range(20):
        lag_s = smoothed(lag_s, 0.06)
    assert lag_s == pytest.approx(0.06, rel=0.01)
