"""The memory of a server: what it made at its start, where it is taken from, what goes back."""

import ctypes
import gc
from threading import Event, Thread

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
    return _libc("mallopt", M_ARENA_MAX, 1)


GIVE_BACK_S = 60.0


def give_back() -> bool:
    """Return to the system what was freed. False where there was nothing, or nobody who can.

    Between what lives, glibc keeps freed pages for ever: under load a server looked as if it grew
    by 1.6 MB a minute while its objects did not. It takes 5 ms, and 15 where there is much.
    """
    return _libc("malloc_trim", 0)


def give_back_regularly() -> None:
    """Once a minute, on a thread of its own, which ends with the process."""
    Thread(target=_give_back_regularly, name="memory", daemon=True).start()


def _give_back_regularly() -> None:
    never = Event()
    while not never.wait(GIVE_BACK_S):
        give_back()


def _libc(function: str, *arguments: int) -> bool:
    """What a function of the C library says; False where there is none of that name."""
    try:
        return bool(getattr(ctypes.CDLL(None), function)(*arguments))
    except (AttributeError, OSError, TypeError):
        return False
