"""The learned router on disk: plain arrays and a JSON head in one file, never a pickle.

`the_predictor()` reads the shipped one at its first use. Where it is missing or of another
format, the plain scorers decide alone and a warning says so.
"""

from __future__ import annotations

import json
import logging
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from routing.features import NAMES
from routing.predictor import FORMAT, Ferns, Landmarks, Predictor, Source

logger = logging.getLogger(__name__)
SHIPPED = Path(__file__).parent / "artefacts" / "router-v1.npz"
_ARRAYS = ("idf", "weights", "scale", "bias", "usual", "prompts", "fern_kinds")
_SOURCE_ARRAYS = ("means", "bends", "anchor_means", "anchor_bends")
_SOURCE_PLAIN = ("name", "skill", "models", "columns", "anchor_abilities")


class ArtefactUnfit(Exception):
    """The file is missing, damaged, or of a format that this version does not read."""


def save(predictor: Predictor, path: Path) -> None:
    head = {
        "format": FORMAT,
        "features": list(NAMES),
        "version": predictor.version,
        "fern_outputs": predictor.fern_outputs,
        "demand_scale": predictor.demand_scale,
        "abilities": predictor.abilities,
        "wordiness": predictor.wordiness,
        "near": predictor.landmarks.near,
        "far": predictor.landmarks.far,
        "sources": [
            {name: getattr(source, name) for name in _SOURCE_PLAIN} for source in predictor.sources
        ],
    }
    arrays = {name: getattr(predictor, name) for name in _ARRAYS}
    arrays["idf"] = predictor.idf.astype(np.float16)
    for name in ("features", "thresholds", "leaves", "scale"):
        arrays[f"fern_{name}"] = getattr(predictor.ferns, name)
    for name in ("points", "middle", "spread"):
        arrays[f"landmark_{name}"] = getattr(predictor.landmarks, name)
    for at, source in enumerate(predictor.sources):
        arrays |= {f"source_{at}_{name}": getattr(source, name) for name in _SOURCE_ARRAYS}
    arrays["head"] = np.frombuffer(json.dumps(head, sort_keys=True).encode(), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        np.savez_compressed(file, **arrays)


def load(path: Path) -> Predictor:
    """Read an artefact. Raises ArtefactUnfit."""
    try:
        with np.load(path, allow_pickle=False) as found:
            arrays = {name: found[name] for name in found.files}
        head = json.loads(arrays["head"].tobytes())
        told = head["format"], tuple(head["features"])
        if told != (FORMAT, NAMES):
            raise ArtefactUnfit(f"{path.name} is of format {told[0]}; this version reads {FORMAT}")
        return _built(head, arrays)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ArtefactUnfit(f"{path.name} cannot be read: {error}") from error


def _built(head: dict[str, Any], arrays: dict[str, Any]) -> Predictor:
    sources = tuple(
        Source(
            name=told["name"],
            skill=told["skill"],
            models=tuple(told["models"]),
            columns=(told["columns"][0], told["columns"][1]),
            anchor_abilities=(told["anchor_abilities"][0], told["anchor_abilities"][1]),
            **{name: arrays[f"source_{at}_{name}"] for name in _SOURCE_ARRAYS},
        )
        for at, told in enumerate(head["sources"])
    )
    ferns = {name: arrays[f"fern_{name}"] for name in ("features", "thresholds", "leaves", "scale")}
    marks = {name: arrays[f"landmark_{name}"] for name in ("points", "middle", "spread")}
    plain = {name: arrays[name] for name in _ARRAYS}
    plain["idf"] = plain["idf"].astype(np.float32)
    return Predictor(
        version=head["version"],
        sources=sources,
        ferns=Ferns(**ferns),
        fern_outputs=head["fern_outputs"],
        abilities=head["abilities"],
        wordiness=head["wordiness"],
        landmarks=Landmarks(near=head["near"], far=head["far"], **marks),
        demand_scale=tuple(head["demand_scale"]),
        **plain,
    )


@lru_cache(maxsize=1)
def the_predictor() -> Predictor | None:
    """The shipped artefact, read once a process; None (and a warning) where it is unfit."""
    try:
        return load(SHIPPED)
    except ArtefactUnfit as error:
        logger.warning("The plain scorers choose alone: %s", error)
        return None
