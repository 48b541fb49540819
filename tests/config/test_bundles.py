"""Bundles: few requests for a page, and the same styles and behaviour as its files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.template import Context, Template
from django.test import override_settings
from pytest_django import Settings

from config.bundles import BUNDLES, without_comments

PAGE = Template('{% load bundles %}{% styles "chat.css" %}{% scripts "chat.js" %}')


def test_where_nothing_is_collected_a_page_names_the_files() -> None:
    html = PAGE.render(Context())
    for names in BUNDLES.values():
        for name in names:
            assert f"/{name}" in html


@pytest.mark.parametrize("bundle", BUNDLES)
def test_every_file_of_a_bundle_is_there_once(bundle: str) -> None:
    names = BUNDLES[bundle]
    assert len(set(names)) == len(names)
    assert all(finders.find(name) for name in names)


def test_a_script_of_a_bundle_keeps_its_names_to_itself() -> None:
    for name in BUNDLES["chat.js"]:
        found = finders.find(name)
        assert isinstance(found, str)
        code = re.sub(r"^\s*//.*$", "", Path(found).read_text(), flags=re.MULTILINE).strip()
        assert code.startswith("(() => {"), name
        assert code.endswith("})();"), name


def test_collecting_makes_them_with_a_hash_and_compressed(
    settings: Settings, tmp_path: Path
) -> None:
    storages = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "config.bundles.BundlingStorage"},
    }
    with override_settings(STATIC_ROOT=str(tmp_path), STORAGES=storages, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        html = PAGE.render(Context())
    assert html.count("<link") == 1
    assert html.count("<script") == 1
    manifest = json.loads((tmp_path / "staticfiles.json").read_text())
    made = tmp_path / manifest["paths"]["bundles/chat.css"]
    assert made.name != "chat.css"
    assert made.with_name(made.name + ".gz").exists()
    for name in BUNDLES["chat.css"]:
        found = finders.find(name)
        assert isinstance(found, str)
        assert without_comments(name, Path(found).read_text()) in made.read_text()
    assert "/*" not in made.read_text()


def test_comments_stay_behind_and_nothing_else_does() -> None:
    script = '  // why\n  go("https://a.example//b"); // in a line\n'
    assert without_comments("a.js", script) == '  go("https://a.example//b"); // in a line\n'
    style = "/* why,\n   at length */\na { color: red; /* so */ }\n"
    assert without_comments("a.css", style) == "a { color: red;  }\n"
