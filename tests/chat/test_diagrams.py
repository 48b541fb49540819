"""The frame that draws diagrams: what it may do, who may frame it, and what is without it."""

from __future__ import annotations

import json
from http import HTTPStatus
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from accounts.models import User

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def with_library(settings: Settings, tmp_path: Path) -> None:
    settings.MERMAID_DIR = tmp_path


def policy(client: Client, path: str) -> dict[str, str]:
    header = client.get(path).headers["Content-Security-Policy"]
    parts = (directive.strip().partition(" ") for directive in header.split(";"))
    return {name: value for name, _, value in parts}


@pytest.mark.usefixtures("with_library")
def test_the_frame_may_run_our_scripts_and_nothing_else(client: Client) -> None:
    rules = policy(client, "/diagram/")
    assert rules["sandbox"] == "allow-scripts"
    assert rules["script-src"] == "'self'"
    assert rules["default-src"] == rules["connect-src"] == rules["form-action"] == "'none'"
    assert "img-src" not in rules
    assert rules["frame-ancestors"] == "'self'"
    assert client.get("/diagram/").headers["X-Frame-Options"] == "SAMEORIGIN"


@pytest.mark.usefixtures("with_library")
def test_it_holds_nothing_of_anybody(client: Client, ada: User) -> None:
    for_nobody = client.get("/diagram/").content
    client.force_login(ada)
    assert client.get("/diagram/").content == for_nobody


@pytest.mark.usefixtures("with_library")
def test_a_page_knows_where_it_is_and_allows_no_other_frame(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert 'data-diagrams="/diagram/"' in client.get("/").content.decode()
    rules = policy(client, "/")
    assert rules["frame-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"


def test_without_the_library_there_is_no_frame(
    client: Client, ada: User, settings: Settings, tmp_path: Path
) -> None:
    settings.MERMAID_DIR = tmp_path / "missing"
    client.force_login(ada)
    assert 'data-diagrams=""' in client.get("/").content.decode()
    assert client.get("/diagram/").status_code == HTTPStatus.NOT_FOUND


def test_the_library_is_locked_with_its_hash_and_brings_nothing_along() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    named = {name: package for name, package in packages.items() if name}
    assert set(named) == {"node_modules/@mermaid-js/tiny"}
    assert named["node_modules/@mermaid-js/tiny"]["integrity"].startswith("sha512-")
