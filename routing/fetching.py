"""What a sync asks OpenRouter for: the list, and the figures beside it where the key allows."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from openrouter.errors import ContentRefused, InvalidRequest, KeyRejected, OpenRouterError
from openrouter.results import Benchmark, ModelInfo, TaskClassifications
from routing.rankings import Figures, figures_of

logger = logging.getLogger(__name__)


class ModelsClient(Protocol):
    async def models(self) -> Sequence[ModelInfo]: ...

    async def benchmarks(self) -> Sequence[Benchmark]: ...

    async def task_classifications(self) -> TaskClassifications: ...

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came. `figures`: None where they could not be had, so that the old ones stay.

    `note`: one sentence about figures that the key may not have; `trouble`: about those that
    should have come and did not.
    """

    infos: Sequence[ModelInfo]
    figures: Mapping[str, Figures] | None
    note: str = ""
    trouble: str = ""


async def fetch(client: ModelsClient) -> Fetched:
    """Raises OpenRouterError when the list cannot be had; figures may be missing without harm."""
    infos = await client.models()
    try:
        figures = figures_of(await client.benchmarks(), await client.task_classifications())
    except (KeyRejected, ContentRefused, InvalidRequest) as error:
        logger.info("No figures of benchmarks: %s", error)
        return Fetched(infos, None, note=_told("this key may not read them", error))
    except OpenRouterError as error:
        logger.warning("No figures of benchmarks: %s", error)
        return Fetched(infos, None, trouble=_told(error.for_person, error))
    return Fetched(infos, figures)


def _told(why: str, error: OpenRouterError) -> str:
    status = f" (status {error.status})" if error.status else ""
    return f"Benchmarks and tasks were not fetched: {why.rstrip('.')}{status}. The last ones stay."
