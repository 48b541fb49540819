"""The catalogue is kept in memory by the process, so each test starts without one."""

from collections.abc import Iterator

import pytest

from routing.evidence_memory import memory
from routing.policy_shelf import policy_shelf
from routing.shelf import shelf


@pytest.fixture(autouse=True)
def _empty_shelf() -> Iterator[None]:
    shelf.forget()
    memory.forget()
    policy_shelf.forget()
    yield
    shelf.forget()
    memory.forget()
    policy_shelf.forget()
