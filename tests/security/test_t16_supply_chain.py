"""T16: what is installed is what was locked, byte for byte, wherever it comes from."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-telemetry.lock"]
ENTRY = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?==([^\s;\\]+)((?: ;[^\\]+)?) \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
SOURCES = ("README.md", "Makefile", "docs/operations.md", "deploy/Dockerfile", ".ci/run")


def entries(name: str) -> dict[tuple[str, str], list[str]]:
    """(package, marker) → its version and hashes. Fails at a line that is neither."""
    found: dict[tuple[str, str], list[str]] = {}
    current: list[str] = []
    for line in (ROOT / name).read_text().splitlines():
        if match := ENTRY.match(line):
            current = [match[2]]
            found[match[1].lower(), match[3]] = current
        elif HASH.match(line):
            current.append(line.strip().rstrip(" \\"))
        else:
            assert re.match(r"^ +#", line), f"{name}: {line!r} is neither a version nor a hash"
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_t16_every_package_has_one_version_and_its_hashes(name: str) -> None:
    locked = entries(name)
    assert len(locked) > 30
    for key, (version, *hashes) in locked.items():
        assert re.fullmatch(r"[0-9][0-9a-z.+!]*", version), key
        assert hashes, key


@pytest.mark.parametrize("name", LOCKS)
def test_t16_no_lock_names_a_host(name: str) -> None:
    """Whoever installs says from where, and the hashes hold for each of them."""
    text = (ROOT / name).read_text()
    assert not re.search(r"https?://|git\+|file:|--index-url|--extra|--find-links|--trusted", text)


def test_t16_what_is_tested_is_what_runs() -> None:
    dev = entries(LOCKS[1])
    for name in (LOCKS[0], LOCKS[2]):
        run = entries(name)
        assert {key: dev.get(key) for key in run} == run


def test_t16_every_direct_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    direct = project["project"]["dependencies"]
    known = {name for name, _ in entries(LOCKS[0])}
    assert {name_of(it) for it in direct} <= known
    known = {name for name, _ in entries(LOCKS[1])}
    assert {name_of(it) for it in grouped(project)} <= known


def grouped(project: dict[str, Any]) -> list[str]:
    """What only some install, for development or for tracing."""
    groups = project["dependency-groups"].values()
    return [it for group in groups for it in group if isinstance(it, str)]


def name_of(requirement: str) -> str:
    match = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
    assert match is not None
    return match[0].lower()


def test_t16_nothing_is_installed_without_its_hashes() -> None:
    """In CI (which runs `make check` and `make test`), in the image, by hand."""
    found = []
    for source in SOURCES:
        text = (ROOT / source).read_text() if (ROOT / source).exists() else ""
        found += [(source, it) for it in re.findall(r"pip3? install[^\n]*", text)]
    assert len(found) >= 4
    assert not [it for it in found if "--require-hashes -r requirements" not in it[1]]
    texts = [(ROOT / it).read_text() for it in SOURCES if (ROOT / it).exists()]
    assert not [it for it in texts if re.search(r"npm (?:i|install|add|update)\b|npx ", it)]


def test_t16_ci_installs_through_make() -> None:
    ci = (ROOT / ".ci/run").read_text()
    assert "make check" in ci
    assert not re.search(r"pip3? install|npm (?:i|install)\b|curl |wget ", ci)


NODE_LOCKS = [
    it for it in sorted(ROOT.rglob("package-lock.json")) if "node_modules" not in it.parts
]


def test_t16_what_node_runs_and_browsers_load_from_npm_is_locked_too() -> None:
    assert NODE_LOCKS
    for lock in NODE_LOCKS:
        for name, facts in json.loads(lock.read_text())["packages"].items():
            if name:
                assert facts["integrity"].startswith("sha512-"), name
                assert re.fullmatch(r"[0-9.]+(?:-[\w.]+)?", facts["version"]), name
                assert "resolved" not in facts, f"{name} names a host"


def test_t16_no_page_loads_what_is_not_ours() -> None:
    """No CDN in a template, style or script: what is used lies here, in this tree."""
    for folder, kinds in (("templates", ("html",)), ("static", ("js", "css"))):
        for source in (it for kind in kinds for it in (ROOT / folder).rglob(f"*.{kind}")):
            assert not loaded(source), source


def loaded(source: Path) -> list[str]:
    text = source.read_text(errors="replace")
    return re.findall(r"""(?:src=|@import |import\(|url\()\s*["']?(?:https?:)?//[^\s"')]+""", text)


def test_t16_the_reasons_of_the_dependencies_are_told() -> None:
    """docs/dependencies.md lists what pyproject.toml names, each with its reason, and no more."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = [*project["project"]["dependencies"], *grouped(project)]
    text = (ROOT / "docs/dependencies.md").read_text()
    listed = re.findall(r"^\| `([^`]+)` \| (.{15,}?) *\|$", text, re.MULTILINE)
    assert sorted(name for name, _ in listed) == sorted(name_of(it) for it in named)
