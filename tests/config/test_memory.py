"""What the garbage collector is spared, and where threads allocate."""

import gc
import platform
import subprocess
import sys

import pytest

from config.memory import spare_what_startup_made


def test_what_startup_made_is_out_of_collections() -> None:
    try:
        spare_what_startup_made()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000
    finally:
        gc.unfreeze()


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the wish is glibc's")
def test_the_c_library_takes_the_wish_for_one_heap() -> None:
    program = "from config.memory import share_one_heap; print(share_one_heap())"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True\n"


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the word for it is glibc's")
def test_what_was_freed_between_what_lives_goes_back_to_the_system() -> None:
    program = """
import psutil
from config.memory import give_back, share_one_heap
share_one_heap()
kept = [bytes(3000) for _ in range(30_000)]
kept = [it if at % 8 == 0 else None for at, it in enumerate(kept)]
before = psutil.Process().memory_info().rss
print(give_back(), before - psutil.Process().memory_info().rss > 30_000_000)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "True True\n"
