"""The memory of a server: what it made at its start, and where its threads get theirs."""

import ctypes
import gc

from django.urls import get_resolver


def spare_what_startup_made() -> None:
    """Leave the objects that are there now out of collections from here on.

    To look through all of them took 70 to 100 ms, now and then, in the middle of everybody's
    answer; now 11 ms.
    """
    get_resolver().url_patterns  # noqa: B018 (would else be imported with the first request)
    gc.collect()
    gc.freeze()


M_ARENA_MAX = -8  # of glibc's malloc.h


def share_one_heap() -> bool:
    """Let all threads allocate from one heap. False where the C library knows no such wish.

    glibc gives each thread a heap of its own, and what one has freed serves no other: with our
    thirty threads a server grew by 3.6 MB a minute under load, and so it grows by 0.2. They take
    turns at the interpreter anyway, so none waits for another's heap.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1))
    except (AttributeError, OSError, TypeError):
        return False
