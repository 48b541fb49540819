"""T8: no address of a person or a model is fetched by the server, so none leads inside.

The only modules that open connections are in the table below, and where they go is a setting. An
address in a prompt, a file, a schema, an import, an answer or a header of the upstream stays text.
What models link to is not loaded by the browser either: tests/chat/test_markdown_hostile.py.
"""

from __future__ import annotations

import ast
import asyncio
import json
import socket
from typing import Any

import pytest
from allauth.socialaccount.models import SocialApp
from django.contrib import admin
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import User
from chat.citations import citations
from chat.markdown import render
from chat.models import Conversation
from chat.pictures import NoPicture, read_picture
from chat.structured import read_schema, structured
from openrouter.client import ClientConfig, OpenRouterClient
from openrouter.errors import OpenRouterError
from openrouter.testing import ReplayTransport, Reply
from openrouter.types import ChatRequest
from tests.processes import ROOT

OPENERS = {
    *("httpx", "requests", "urllib3", "urllib.request", "aiohttp", "http.client", "socket"),
    *("ftplib", "smtplib", "telnetlib", "xmlrpc", "asyncio.streams", "websockets"),
}
ALLOWED = {  # module → why it may name one of these
    "accounts/sso.py": "the errors of allauth's own requests to OIDC_ISSUER",
    "chat/runner.py": "the name of this machine",
    "config/emulated_grant.py": "asks the built-in emulator, which has no connections",
    "config/upstream.py": "the type of a transport",
    "openrouter/client.py": "types; OPENROUTER_BASE_URL is the only place that it asks",
    "openrouter/connections.py": "opens them, for transport.py",
    "openrouter/patience.py": "the errors of a stream",
    "openrouter/testing.py": "a transport that replays",
    "openrouter/transport.py": "sends to OPENROUTER_BASE_URL",
}
INSIDE = [
    "http://127.0.0.1:6379/",
    "http://localhost/",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://0x7f000001/",
    "http://2130706433/",
    "http://127.1/",
    "http://evil.example@127.0.0.1/",
    "http://127.0.0.1#@evil.example/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "https://rebind.example/",
]


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every try to reach another machine, or a name; none of them gets anywhere."""
    tried: list[Any] = []

    def dial(*words: Any, **_: Any) -> Any:
        tried.append(words)
        raise OSError("no network here")

    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, dial)
    monkeypatch.setattr(socket.socket, "connect", dial)
    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", dial)
    return tried


def test_t08_these_modules_alone_can_open_a_connection() -> None:
    found = set()
    for app in ("accounts", "billing", "chat", "config", "openrouter", "routing"):
        for source in (ROOT / app).rglob("*.py"):
            path = str(source.relative_to(ROOT))
            if not path.startswith("openrouter/emulator/") and imported(source.read_text()):
                found.add(path)
    assert found == set(ALLOWED)


def imported(text: str) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {it for it in names if it in OPENERS or it.split(".")[0] in OPENERS}


@pytest.mark.parametrize("url", INSIDE)
def test_t08_an_address_in_what_a_person_sends_stays_text(
    url: str, idle: None, ada: User, client: Client, dialled: list[Any]
) -> None:
    client.force_login(ada)
    client.post("/send/", {"prompt": f"Read {url} ![x]({url})", "url": url, "file": url})
    client.post("/send/", {"prompt": f"Read {url}", "search": "on"})
    talk = Conversation.objects.get()
    client.post(f"/c/{talk.pk}/wishes/", {"schema": json.dumps({"$ref": url}), "order": url})
    client.post(f"/c/{talk.pk}/rename/", {"title": url})
    client.post("/files/", {"upload": SimpleUploadedFile("a.url", url.encode()), "url": url})
    client.post("/models/favourite/", {"slug": url})
    for page in (f"/c/{talk.pk}/", f"/c/{talk.pk}/export.md", f"/search/?q={url}"):
        assert client.get(page).status_code == 200
    message = {
        "id": 1,
        "role": "assistant",
        "text": f"![x]({url})",
        "images": [url],
        "files": [url],
    }
    file = {"format": "switchboard-conversations", "version": 1, "conversations": [
        {"messages": [message], "url": url}]}  # fmt: skip
    upload = SimpleUploadedFile("c.json", json.dumps(file).encode())
    client.post("/library/files/import/", {"file": upload, "url": url})
    assert not dialled


@pytest.mark.parametrize("url", INSIDE)
def test_t08_an_address_in_what_a_model_says_stays_text(url: str, dialled: list[Any]) -> None:
    assert "<img" not in render(f"![x]({url}) <img src={url}>")
    with pytest.raises(NoPicture):
        read_picture(url)
    citations([{"type": "url_citation", "url_citation": {"url": url, "title": url}}])
    schema = read_schema(json.dumps({"$ref": url}))
    assert structured('{"a": 1}', schema).problem
    assert not dialled


ASKED = ChatRequest(model="acme/one", messages=[], max_completion_tokens=9)


async def test_t08_a_redirect_of_the_upstream_is_not_followed() -> None:
    for status in (301, 302, 303, 307, 308):
        headers = {"location": "http://169.254.169.254/latest/", "content-type": "text/html"}
        transport = ReplayTransport(Reply(status=status, headers=headers))
        config = ClientConfig(api_key="sk-or-v1-0000000000", max_attempts=1)
        client = OpenRouterClient(config, transport=transport)
        with pytest.raises(OpenRouterError):
            async for _ in client.stream_chat(ASKED):
                pass
        await client.aclose()
        assert [str(it.url.host) for it in transport.requests] == ["openrouter.ai"]


@pytest.mark.parametrize("name", ["evil", "openid_connect", "http:%2F%2F127.0.0.1"])
def test_t08_nobody_names_a_provider_of_sign_in(
    db: None, client: Client, dialled: list[Any], name: str
) -> None:
    """Neither in the address nor in the database: there is one, of the settings, or none."""
    SocialApp.objects.create(
        provider="openid_connect", provider_id="evil", name="x", client_id="x",
        settings={"server_url": "http://169.254.169.254/"},
    )  # fmt: skip
    for rest in ("login/", "login/callback/?code=x&state=y"):
        assert client.get(f"/accounts/oidc/{name}/{rest}").status_code < 500
        assert client.post(f"/accounts/oidc/{name}/{rest}").status_code < 500
    assert not dialled
    assert SocialApp not in admin.site._registry
