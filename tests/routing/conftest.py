"""The catalogue is kept in memory by the process, so each test starts without one."""

from collections.abc import Iterator

import pytest

from routing.shelf import shelf


@pytest.fixture(autouse=True)
def _empty_shelf() -> Iterator[None]:
    shelf.forget()
    yield
    shelf.forget()
