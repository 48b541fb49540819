"""What the garbage collector is spared."""

import gc

from config.memory import spare_what_startup_made


def test_what_startup_made_is_out_of_collections() -> None:
    try:
        spare_what_startup_made()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000
    finally:
        gc.unfreeze()
