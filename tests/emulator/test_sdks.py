"""The official clients talk to the emulator, and find nothing that is not valid."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.emulator.conftest import Served

HERE = Path(__file__).parent
TIMEOUT_S = 120


def run(command: list[str], folder: Path) -> dict[str, Any]:
    """What a client printed. Fails with all that it said where it ended badly."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=clean,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def keys_of(served: Served) -> list[str]:
    settings = served.emulator.settings
    return [served.url, settings.api_key, settings.management_key]


@pytest.fixture(scope="module")
def python_sdk(served: Served) -> dict[str, Any]:
    script = HERE / "clients" / "python_sdk.py"
    return run([sys.executable, "-P", str(script), *keys_of(served)], script.parent)


def test_the_python_sdk_reads_every_shape_of_an_answer(python_sdk: dict[str, Any]) -> None:
    chats = python_sdk["chats"]
    assert chats["plain stream"]["text"] == chats["plain whole"]["text"] != ""
    assert chats["plain stream"]["cost"] == chats["plain whole"]["cost"] > 0
    assert chats["tools stream"]["tools"] > 1
    assert chats["reasoning stream"]["reasoning"] != ""
    assert chats["failing stream"]["errors"] == 1
    assert min(chats["old stream"]["cost"], chats["empty stream"]["cost"]) > 0


def test_the_python_sdk_reads_the_catalogue(python_sdk: dict[str, Any]) -> None:
    catalogue = python_sdk["catalogue"]
    assert catalogue["models"] == catalogue["count"] > 300
    assert catalogue["one"] == "openai/gpt-5-mini"
    assert catalogue["endpoints"] == ["OpenAI"]
    assert min(catalogue["zdr"], catalogue["providers"], catalogue["benchmarks"]) > 10


def test_the_python_sdk_keeps_keys_and_books(python_sdk: dict[str, Any]) -> None:
    books = python_sdk["books"]
    assert books["made"] == "sk-or-v1-"
    assert (books["renamed"], books["deleted"]) == ("Renamed", True)
    assert "Renamed" in books["disabled"]
    assert "Renamed" not in books["listed"]
    assert books["manager"] is True
    assert books["generation"] == python_sdk["chats"]["plain stream"]["cost"]
    assert books["content"] == python_sdk["chats"]["plain stream"]["text"]
    assert python_sdk["oauth"]["exchanged"] == "sk-or-v1-"


def test_the_python_sdk_reads_pages_of_keys_and_days_of_activity(
    python_sdk: dict[str, Any],
) -> None:
    books = python_sdk["books"]
    limits = books["managed"]["limits"]
    assert limits["Person 0"] == [7.25, "weekly", False]
    assert limits["Person 1"] == [None, None, True]
    assert limits["Person 2"] == [0, "monthly", False]
    first, second, beyond = books["managed"]["pages"]
    assert (second, beyond) == (first - 2, 0)
    assert "anthropic/claude-haiku-4.5" in books["activity"]["models"]
    assert books["activity"]["requests"] > 10
    assert 0 < books["activity"]["usage"] <= books["used"] + 1e-9
    assert books["key"] <= books["used"] + 1e-9 < books["credits"]


def openai_client(served: Served) -> openai.OpenAI:
    return openai.OpenAI(
        api_key=served.emulator.settings.api_key, base_url=served.url, max_retries=0
    )


def test_the_openai_client_streams_the_same_text_as_it_gets_whole(served: Served) -> None:
    client = openai_client(served)
    ask: dict[str, Any] = {
        "model": "openai/gpt-5-mini",
        "messages": [{"role": "user", "content": "Compare tea and coffee"}],
    }
    whole = client.chat.completions.create(**ask)
    chunks = list(client.chat.completions.create(**ask, stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage.total_tokens == whole.usage.total_tokens


def test_the_openai_client_lists_the_models(served: Served) -> None:
    assert "openai/gpt-5-mini" in {model.id for model in openai_client(served).models.list()}


def test_the_openai_client_raises_what_it_raises_for_the_real_service(served: Served) -> None:
    client = openai_client(served)
    ask: dict[str, Any] = {"model": "openai/gpt-5-mini", "stream": True}
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(**ask, messages=words("[[fault: 429]]"))
    with pytest.raises(openai.BadRequestError, match="not a valid model ID"):
        client.chat.completions.create(model="x/y", messages=words("Hi there"))
    with pytest.raises(openai.APIError, match="disconnected"):
        list(client.chat.completions.create(**ask, messages=words("Bees? [[fault: error]]")))


def words(text: str) -> Any:
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def node_sdk(served: Served) -> dict[str, Any]:
    folder = HERE / "node"
    if not (folder / "node_modules" / "@openrouter" / "sdk").is_dir():
        npm = shutil.which("npm") or "npm"
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        installed = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
        if installed.returncode and "node" not in os.environ.get("SWITCHBOARD_DEMAND", ""):
            pytest.skip(f"npm ci did not work here: {installed.stderr[-200:]}")
        assert installed.returncode == 0, installed.stderr[-2000:]
    return run(["node", "check.mjs", *keys_of(served)], folder)


@pytest.mark.node
def test_the_node_sdk_reads_every_shape_of_an_answer(node_sdk: dict[str, Any]) -> None:
    chats = node_sdk["chats"]
    assert chats["plain stream"]["text"] == chats["plain whole"]["text"] != ""
    assert chats["plain stream"]["cost"] == chats["plain whole"]["cost"] > 0
    assert chats["tools stream"]["tools"] > 1


@pytest.mark.node
def test_the_node_sdk_reads_catalogue_and_books(node_sdk: dict[str, Any]) -> None:
    assert node_sdk["models"] > 300
    assert node_sdk["generation"] == node_sdk["chats"]["plain stream"]["cost"]
    assert (node_sdk["renamed"], node_sdk["deleted"]) == ("Renamed", True)
