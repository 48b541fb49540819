"""A follower gets everything since its snapshot, once and in order, however slow it is."""

import asyncio
import uuid

import pytest

from chat import feed as feed_module
from chat.feed import Feed

HERE, ELSEWHERE = uuid.uuid4(), uuid.uuid4()


async def test_frames_that_wait_go_out_as_one() -> None:
    feed = Feed()
    follower = feed.follow(HERE)
    for frame in ("a", "b", "c"):
        feed.publish_delta(HERE, frame)
    assert await anext(follower.frames()) == "abc"


async def test_a_follower_hears_nothing_of_another_conversation() -> None:
    feed = Feed()
    follower = feed.follow(HERE)
    feed.publish_delta(ELSEWHERE, "a")
    assert not follower.pending


async def test_a_slow_follower_does_not_hold_up_another() -> None:
    feed = Feed()
    slow, quick = feed.follow(HERE), feed.follow(HERE)
    frames = quick.frames()
    for frame in ("a", "b"):
        feed.publish_delta(HERE, frame)
        assert await anext(frames) == frame
    assert await anext(slow.frames()) == "ab"


async def test_a_follower_that_falls_too_far_behind_is_told_to_take_a_snapshot(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(feed_module, "PENDING_CHARS", 10)
    feed = Feed()
    follower = feed.follow(HERE)
    feed.publish_delta(HERE, "x" * 11)
    assert [frame async for frame in follower.frames()] == []
    follower.restart()
    feed.publish_delta(HERE, "y")
    assert await anext(follower.frames()) == "y"


async def test_what_a_snapshot_holds_is_not_sent_again() -> None:
    feed = Feed()
    follower = feed.follow(HERE)
    feed.publish_delta(HERE, "in the snapshot")
    follower.restart()
    waiting = asyncio.ensure_future(anext(follower.frames()))
    await asyncio.sleep(0)
    assert not waiting.done()
    feed.publish_delta(HERE, "after it")
    assert await waiting == "after it"


async def test_a_change_of_messages_raises_the_version_and_a_delta_does_not() -> None:
    feed = Feed()
    feed.follow(HERE)
    before = feed.version(HERE)
    feed.publish_delta(HERE, "a")
    assert feed.version(HERE) == before
    feed.publish_change(HERE, "b")
    assert feed.version(HERE) > before


async def test_nobody_left_means_nothing_kept() -> None:
    feed = Feed()
    follower = feed.follow(HERE)
    feed.unfollow(follower)
    feed.publish_delta(HERE, "a")
    assert feed.followers_count == 0
    assert not follower.pending
