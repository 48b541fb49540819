"""Who may import whom. To change the rule, change the table."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAY_IMPORT = {
    "openrouter": set(),
    "accounts": {"billing", "chat", "openrouter", "routing"},
    "billing": {"openrouter"},
    "routing": {"openrouter"},
    "chat": {"billing", "routing", "openrouter"},
    "config": {"accounts", "billing", "chat", "openrouter", "routing"},
}
WITHOUT_DJANGO = {"openrouter"}
PURE = {
    "chat/drafts.py",
    *(f"chat/{name}.py" for name in ("dialect", "highlight", "longblock", "markdown", "mathml")),
    *(f"chat/{name}.py" for name in ("halftyped", "page", "sanitiser", "source")),
    "openrouter/errors.py",
    "openrouter/events.py",
    "openrouter/sse.py",
    "openrouter/types.py",
    *(f"openrouter/{name}.py" for name in ("attribution", "decoder", "failures", "money", "pkce")),
    *(f"openrouter/{name}.py" for name in ("reading", "results", "retries", "tool_indexes")),
    "openrouter/wire.py",
    *(f"routing/{name}.py" for name in ("abilities", "candidates", "constraints", "decision")),
    *(f"routing/{name}.py" for name in ("elders", "features", "learned", "lexicon", "measures")),
    *(
        f"routing/{name}.py"
        for name in ("evidence", "live", "live_figures", "live_reasons", "predictor")
    ),
    "routing/solver.py",
    *(f"routing/{name}.py" for name in ("families", "names", "outlooks", "policies", "prices")),
    "routing/posterior.py",
    "routing/prompts.py",
    *(f"routing/{name}.py" for name in ("reasons", "receipts", "scorers", "weighing", "words")),
    *(f"routing/{name}.py" for name in ("replay", "replay_tables")),
}
INPUT_AND_OUTPUT = {"asyncio", "django", "httpx", "os", "pathlib", "socket", "threading", "time"}


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def imported(source: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file it does so."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source}: imports are absolute"
            yield node.module or ""


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_imports_flow_one_way(package: str) -> None:
    ours = set(MAY_IMPORT) | {"tests"}
    allowed = MAY_IMPORT[package] | {package}
    for source in sources(package):
        crossed = {name for name in imported(source) if name.split(".")[0] in ours - allowed}
        assert not crossed, f"{source.relative_to(ROOT)} may not import {crossed}"


@pytest.mark.parametrize("package", WITHOUT_DJANGO)
def test_a_plain_package_knows_no_django(package: str) -> None:
    for source in sources(package):
        found = {name.split(".")[0] for name in imported(source)}
        assert not found & {"django", "channels"}, source


@pytest.mark.parametrize("path", sorted(PURE))
def test_a_pure_module_does_no_input_or_output(path: str) -> None:
    found = {name.split(".")[0] for name in imported(ROOT / path)} & INPUT_AND_OUTPUT
    assert not found, f"{path} is pure and may not import {found}"


def test_no_import_hides_in_a_function() -> None:
    for package in MAY_IMPORT:
        for source in sources(package):
            for node in ast.walk(ast.parse(source.read_text())):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    imports = (ast.Import, ast.ImportFrom)
                    hidden = any(isinstance(inner, imports) for inner in ast.walk(node))
                    assert not hidden, f"{source.relative_to(ROOT)}:{node.lineno} {node.name}"


def test_migrations_are_named_for_what_they_do() -> None:
    for source in ROOT.glob("*/migrations/0*.py"):
        assert not source.stem.endswith(("_initial", "_auto")), source
