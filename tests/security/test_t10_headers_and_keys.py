"""T10: no header changes who somebody is, what a key may do, or which host we are."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from pytest_django import Settings

from accounts.models import User
from config.probes import may_scrape
from tests.security.matrix import ALL, FOR_STRANGERS, WITHOUT_ID, Belongings

EVIL = "evil.example"
AS_ANOTHER = {
    "X-Original-URL": "/admin/",
    "X-Rewrite-URL": "/admin/",
    "X-HTTP-Method-Override": "POST",
    "X-Method-Override": "DELETE",
    "X-Forwarded-For": "127.0.0.1",
    "X-Real-IP": "127.0.0.1",
    "Forwarded": "for=127.0.0.1;host=localhost;proto=https",
    "X-Forwarded-User": "root",
    "Remote-User": "root",
    "X-Remote-User": "root",
    "Authorization": "Basic cm9vdDplbmdpbmU=",
    "X-Forwarded-Prefix": "/admin",
    "X-Script-Name": "/admin",
    "X-CSRFToken": "x",
    "Cookie2": "sessionid=1",
}
HOSTS = [
    EVIL,
    "testserver.evil.example",
    "testserver@evil.example",
    "testserver:80@evil.example",
    "testserver/evil",
    "",
    "a b",
    "[::1",
    "testserver\n",
    "xn--",
    "TESTSERVER.evil.example",
]


@pytest.mark.parametrize("host", HOSTS)
def test_t10_another_host_is_served_nothing(
    host: str, hers: Belongings, ada: User, client: Client
) -> None:
    client.force_login(ada)
    for address in WITHOUT_ID[:12]:
        assert client.get(f"/{address.route}", headers={"Host": host}).status_code == 400


@pytest.mark.parametrize(
    "header", ["X-Forwarded-Host", "X-Host", "Forwarded", "X-Forwarded-Server"]
)
def test_t10_no_link_of_ours_leads_to_a_host_of_a_header(
    header: str, hers: Belongings, ada: User, client: Client
) -> None:
    """In a share's link, an invitation's, or a mail of a forgotten password."""
    User.objects.filter(pk=ada.pk).update(email="ada@example.org")
    value = f"host={EVIL}" if header == "Forwarded" else EVIL
    client.post("/accounts/password/reset/", {"email": "ada@example.org"}, headers={header: value})
    assert EVIL not in "".join(str(it.body) for it in mail.outbox)
    client.force_login(ada)
    told = ""
    for url in ("/", "/library/shared/", "/accounts/", f"/c/{hers['c/'][0]}/share/"):
        told += client.get(url, headers={header: value}).content.decode()
    answer = client.post(f"/c/{hers['c/'][0]}/share/", {"days": "1"}, headers={header: value})
    assert "/s/" in answer.content.decode()
    assert EVIL not in told + answer.content.decode() + str(answer.headers)


@pytest.mark.parametrize("header", AS_ANOTHER)
def test_t10_no_header_makes_somebody_else_of_a_person(
    header: str, eve: User, root: User, client: Client
) -> None:
    sent = {header: AS_ANOTHER[header]}
    stranger = Client()
    for address in ALL:
        if not address.has_id and not address.route.startswith("accounts/"):
            plain = stranger.get(f"/{address.route}")
            answer = stranger.get(f"/{address.route}", headers=sent)
            assert answer.status_code == plain.status_code, address.name
            assert answer.headers.get("Location") == plain.headers.get("Location")
    client.force_login(eve)
    assert client.get("/admin/", headers=sent).status_code in (302, 403)
    assert client.get("/send/", headers=sent).status_code == 405
    assert "Switchboard administration" not in client.get("/", headers=sent).content.decode()


def scope(headers: dict[str, str], client: str = "127.0.0.1") -> dict[str, Any]:
    told = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return {"headers": told, "client": (client, 1)}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "bearer right"},
        {"Authorization": "Bearer right "},
        {"Authorization": "Basic right"},
        {"X-Api-Key": "right"},
        {"X-Authorization": "Bearer right"},
        {"Authorization": "Bearer wrong"},
    ],
)
def test_t10_the_metrics_token_is_taken_from_one_header_alone(
    headers: dict[str, str], settings: Settings
) -> None:
    settings.METRICS_TOKEN = "right"
    assert not may_scrape(scope(headers))
    assert may_scrape(scope({"Authorization": "Bearer right"}))


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
def test_t10_without_a_token_nobody_is_this_machine_by_a_header(
    header: str, settings: Settings
) -> None:
    settings.METRICS_TOKEN = ""
    assert not may_scrape(scope({header: "127.0.0.1"}, client="10.0.0.9"))
    assert not may_scrape(scope({header: "127.0.0.1"}, client="127.0.0.1"))


def test_t10_the_metrics_token_opens_nothing_else(
    db: None, client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN = "right"
    for address in WITHOUT_ID:
        if not address.route.startswith("accounts/") and address.name not in FOR_STRANGERS:
            answer = client.get(f"/{address.route}", headers={"Authorization": "Bearer right"})
            assert answer.status_code in (302, 404, 405), address.name


def test_t10_no_redirect_after_signing_in_leads_away(ada: User, client: Client) -> None:
    for onward in (f"https://{EVIL}/", f"//{EVIL}/", f"/\\{EVIL}", f"https:{EVIL}", "javascript:x"):
        answer = client.post(
            f"/accounts/login/?next={onward}",
            {"login": "ada", "password": "engine", "next": onward},
        )
        assert not re.match(r"^(?:https?:|//|/\\|javascript:)", answer.headers.get("Location", "/"))
        client.logout()
