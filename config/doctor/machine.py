"""The machine: files it may open, room on its disk, and what was prepared before the start."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders

from config.doctor.findings import Finding, fault, fine, warning

PROC = Path("/proc")
LEAST_FILES = 1024
OTHER_FILES = 200  # the database, Redis, logs, the program itself
LEAST_DISK_BYTES = 1_000_000_000


def check() -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield judge_files(soft, settings.MAX_STREAMS)
    yield judge_disk(shutil.disk_usage(settings.VAR_DIR).free)
    yield judge_static(_static_missing())


def judge_files(limit: int, max_streams: int) -> Finding:
    """A reply takes one connection to upstream and one or more tabs, each a file."""
    wanted = 2 * max_streams + OTHER_FILES
    advice = (
        "Raise it where the server is started: LimitNOFILE=65536 in its systemd unit, or ulimit -n."
    )
    if 0 <= limit < LEAST_FILES:
        return fault(f"A process may open {limit} files: that is few for anything.", advice)
    if 0 <= limit < wanted:
        return warning(
            f"A process may open {limit} files; {max_streams} replies with a tab each take"
            f" {wanted}.",
            advice,
        )
    return fine(f"A process may open {limit if limit >= 0 else 'any number of'} files.")


def judge_disk(free_bytes: int) -> Finding:
    if free_bytes < LEAST_DISK_BYTES:
        return fault(
            f"{settings.VAR_DIR} has {free_bytes / 1e6:.0f} MB left.",
            "Make room before the database cannot grow any more.",
        )
    return fine(f"{free_bytes / 1e9:.0f} GB of disk are free.")


def _static_missing() -> list[str] | None:
    """Static files that were not collected. None: none ever were."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    try:
        collected = json.loads(manifest.read_text())["paths"].keys()
    except (OSError, ValueError, KeyError):
        return None
    listed = [each for finder in finders.get_finders() for each in finder.list([])]
    found = {f"{getattr(place, 'prefix', None) or ''}/{path}".lstrip("/") for path, place in listed}
    return sorted(found - collected)


def judge_static(missing: list[str] | None) -> Finding:
    advice = "Run manage.py collectstatic --noinput, and restart the servers."
    if missing is None:
        return fault("Static files were never collected: pages fail.", advice)
    if missing:
        return fault(
            f"{len(missing)} static files were not collected, such as {missing[0]}.", advice
        )
    return fine("All static files are collected.")


def servers_of_this_installation(proc: Path = PROC) -> int:
    """Processes on this machine that serve from this folder, as far as they can be seen."""
    return sum(_serves(folder) for folder in proc.glob("[0-9]*"))


def _serves(process: Path) -> bool:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
        return (
            b"config.asgi:application" in words
            and (process / "cwd").resolve(strict=True) == settings.BASE_DIR
        )
    except OSError:  # it ended meanwhile, or is another user's
        return False
