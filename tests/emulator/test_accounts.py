"""Keys, credits, activity, PKCE: who may ask for what, and what is told."""

from __future__ import annotations

import base64
import hashlib
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from openrouter.emulator.settings import DEMO_KEY, DEMO_MANAGEMENT_KEY, instant
from tests.emulator.conftest import connected
from tests.emulator.reading import ask, read

DAY_S = 86_400


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


MANAGER = bearer(DEMO_MANAGEMENT_KEY)


async def make_key(client: httpx.AsyncClient, **wishes: Any) -> tuple[str, dict[str, Any]]:
    response = await client.post("/keys", json={"name": "Ada", **wishes}, headers=MANAGER)
    assert response.status_code == 201, response.text
    body = response.json()
    return body["key"], body["data"]


@pytest.mark.parametrize(
    ("method", "path", "key", "status"),
    [
        ("GET", "/key", DEMO_KEY, 200),
        ("GET", "/key", DEMO_MANAGEMENT_KEY, 200),
        ("GET", "/key", "sk-or-v1-unknown", 401),
        ("GET", "/keys", DEMO_KEY, 403),
        ("GET", "/keys", DEMO_MANAGEMENT_KEY, 200),
        ("GET", "/activity", DEMO_KEY, 403),
        ("GET", "/activity", DEMO_MANAGEMENT_KEY, 200),
        ("GET", "/credits", DEMO_KEY, 200),
        ("GET", "/models/user", DEMO_KEY, 200),
        ("GET", "/models/user", "sk-or-v1-unknown", 401),
        ("GET", "/generation", DEMO_MANAGEMENT_KEY, 401),
        ("GET", "/nowhere", DEMO_KEY, 404),
        ("GET", "/chat/completions", DEMO_KEY, 405),
        ("DELETE", "/models", DEMO_KEY, 405),
        ("POST", "/credits", DEMO_KEY, 405),
        ("GET", "/models/no/such/endpoints", DEMO_KEY, 404),
        ("GET", "/model/openai/gpt-5-mini", DEMO_KEY, 200),
        ("GET", "/models?limit=x", DEMO_KEY, 400),
        ("GET", "/benchmarks?source=tea-leaves", DEMO_KEY, 400),
        ("GET", "/activity?date=yesterday", DEMO_MANAGEMENT_KEY, 400),
        ("GET", "/auth/keys", DEMO_KEY, 405),
    ],
)
async def test_each_path_knows_whom_it_answers(
    method: str, path: str, key: str, status: int
) -> None:
    async with connected(key=key) as (client, _):
        response = await client.request(method, path)
    assert response.status_code == status, response.text
    if status >= 400:
        assert response.json()["error"]["code"] == status


async def test_a_management_key_cannot_chat() -> None:
    async with connected(key=DEMO_MANAGEMENT_KEY) as (client, _):
        response = await client.post("/chat/completions", json=ask())
    assert response.status_code == 401
    assert response.json()["error"]["message"] == "User not found."


async def test_any_key_may_be_let_in() -> None:
    async with connected(instant(known_keys_only=False), key="sk-or-v1-walk-in") as (client, _):
        assert (await read(client, ask())).is_done


async def test_a_new_key_is_shown_once_and_named_by_its_hash() -> None:
    async with connected() as (client, _):
        secret, made = await make_key(client, limit=2.5, limit_reset="monthly")
        listed = (await client.get("/keys", headers=MANAGER)).json()["data"]
        one = (await client.get(f"/keys/{made['hash']}", headers=MANAGER)).json()["data"]
        answered = await read(client, ask(), headers=bearer(secret))
        own = (await client.get("/key", headers=bearer(secret))).json()["data"]
    assert made["hash"] == hashlib.sha256(secret.encode()).hexdigest()
    assert listed[0] == one == made
    assert secret not in str(listed)
    assert (own["limit"], own["limit_reset"]) == (2.5, "monthly")
    assert own["usage"] == own["usage_daily"] == float(answered.usages[-1]["cost"])
    assert own["limit_remaining"] == pytest.approx(2.5 - own["usage"])
    assert own["label"].startswith("sk-or-v1-")


async def test_a_key_can_be_changed_disabled_and_deleted() -> None:
    async with connected() as (client, _):
        secret, made = await make_key(client)
        path = f"/keys/{made['hash']}"
        change = {"name": "Grace", "limit": 1, "disabled": True}
        changed = (await client.patch(path, json=change, headers=MANAGER)).json()["data"]
        listed = (await client.get("/keys", headers=MANAGER)).json()["data"]
        every = await client.get("/keys", params={"include_disabled": "true"}, headers=MANAGER)
        refused = await client.post("/chat/completions", json=ask(), headers=bearer(secret))
        deleted = await client.delete(path, headers=MANAGER)
        gone = await client.get(path, headers=MANAGER)
    assert (changed["name"], changed["limit"], changed["disabled"]) == ("Grace", 1, True)
    assert changed["updated_at"] is not None
    assert made["hash"] not in str(listed)
    assert made["hash"] in str(every.json())
    assert refused.status_code == 401
    assert (deleted.status_code, deleted.json()) == (200, {"deleted": True})
    assert gone.status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": 7},
        {"limit": "much"},
        {"limit": -1},
        {"limit": True},
        {"limit_reset": "hourly"},
        {"include_byok_in_limit": "yes"},
        {"expires_at": "soon"},
        {"expires_at": "2027-01-01T00:00:00+02:00"},
    ],
)
async def test_a_key_with_bad_wishes_is_refused(wrong: dict[str, Any]) -> None:
    async with connected() as (client, _):
        response = await client.post("/keys", json={"name": "Ada", **wrong}, headers=MANAGER)
        listed = (await client.get("/keys", headers=MANAGER)).json()["data"]
    assert response.status_code == 400, response.text
    assert len(listed) == 1


async def test_keys_come_a_hundred_to_a_page_newest_first() -> None:
    async with connected() as (client, _):
        for number in range(120):
            await make_key(client, name=f"Key {number}")
        first = (await client.get("/keys", headers=MANAGER)).json()["data"]
        second = (await client.get("/keys", params={"offset": 100}, headers=MANAGER)).json()["data"]
    assert (len(first), first[0]["name"]) == (100, "Key 119")
    assert (len(second), second[-1]["name"]) == (21, "Emulator")


async def test_an_expired_key_is_refused() -> None:
    async with connected() as (client, emulator):
        expires_at = (emulator.world.clock.now()).isoformat()
        secret, _ = await make_key(client, expires_at=expires_at)
        emulator.world.clock.advance(1)
        response = await client.post("/chat/completions", json=ask(), headers=bearer(secret))
    assert response.status_code == 401


async def test_the_worst_case_must_be_covered_by_the_credits() -> None:
    async with connected(instant(credits_usd=Decimal("0.01"))) as (client, emulator):
        without_limit = await client.post("/chat/completions", json=ask())
        with_limit = await client.post("/chat/completions", json=ask(max_completion_tokens=500))
    error = without_limit.json()["error"]
    assert without_limit.status_code == 402
    assert "You requested up to 64000 tokens, but can only afford" in error["message"]
    assert "settings/credits" in error["message"]
    assert with_limit.status_code == 200
    assert len(emulator.bill) == 1


async def test_the_limit_of_a_key_is_named_where_it_is_what_refuses() -> None:
    async with connected() as (client, _):
        secret, _ = await make_key(client, limit=0.001)
        response = await client.post("/chat/completions", json=ask(), headers=bearer(secret))
    assert response.status_code == 402
    assert "settings/keys" in response.json()["error"]["message"]


async def test_a_daily_limit_is_fresh_the_next_day() -> None:
    async with connected() as (client, emulator):
        secret, made = await make_key(client, limit=1, limit_reset="daily")
        await read(client, ask(), headers=bearer(secret))
        spent = await client.get(f"/keys/{made['hash']}", headers=MANAGER)
        emulator.world.clock.advance(DAY_S)
        fresh = await client.get(f"/keys/{made['hash']}", headers=MANAGER)
    assert spent.json()["data"]["limit_remaining"] < 1
    assert fresh.json()["data"]["limit_remaining"] == 1
    assert fresh.json()["data"]["usage"] == spent.json()["data"]["usage"] > 0


async def test_credits_tell_what_was_bought_and_what_is_spent() -> None:
    async with connected(instant(credits_usd=Decimal(5))) as (client, emulator):
        await read(client, ask(max_completion_tokens=800))
        told = (await client.get("/credits")).json()["data"]
    assert told == {"total_credits": 5, "total_usage": float(emulator.bill.total())}


async def test_activity_knows_only_days_that_are_over() -> None:
    async with connected() as (client, emulator):
        await read(client, ask())
        await read(client, ask("Again"))
        day = emulator.world.clock.now().date().isoformat()
        today = (await client.get("/activity", headers=MANAGER)).json()["data"]
        emulator.world.clock.advance(DAY_S)
        rows = (await client.get("/activity", headers=MANAGER)).json()["data"]
        one = await client.get("/activity", params={"date": day}, headers=MANAGER)
        emulator.world.clock.advance(31 * DAY_S)
        later = (await client.get("/activity", headers=MANAGER)).json()["data"]
    assert today == later == []
    assert sum(row["requests"] for row in rows) == 2
    assert {row["date"] for row in rows} == {day}
    assert sum(row["usage"] for row in rows) == pytest.approx(float(emulator.bill.total()))
    assert one.json()["data"] == rows


async def test_a_code_is_exchanged_once_for_a_key_that_works() -> None:
    verifier = "a-verifier-that-is-long-enough-to-be-one-of-them"
    digest = hashlib.sha256(verifier.encode()).digest()
    wishes = {
        "callback_url": "http://localhost:3000/back?state=s",
        "code_challenge": base64.urlsafe_b64encode(digest).decode().rstrip("="),
        "code_challenge_method": "S256",
        "limit": "3",
        "auto": "1",
    }
    async with connected() as (client, _):
        page = await client.get("http://emulator/auth", params=wishes | {"auto": "0"})
        back = await client.get("http://emulator/auth", params=wishes)
        query = parse_qs(urlsplit(back.headers["location"]).query)
        body = {"code": query["code"][0], "code_challenge_method": "S256"}
        wrong_method = await client.post("/auth/keys", json=body | {"code_challenge_method": "MD5"})
        given = await client.post("/auth/keys", json=body | {"code_verifier": verifier})
        again = await client.post("/auth/keys", json=body | {"code_verifier": verifier})
        answered = await read(client, ask(), headers=bearer(given.json()["key"]))
        key = (await client.get("/key", headers=bearer(given.json()["key"]))).json()["data"]
    assert "localhost:3000" in page.text
    assert back.status_code == 302
    assert query["state"] == ["s"]
    assert (wrong_method.status_code, given.status_code, again.status_code) == (400, 200, 403)
    assert answered.is_done
    assert key["limit"] == 3


@pytest.mark.parametrize(("verifier", "age_s"), [("wrong", 0), ("right", 601)])
async def test_a_code_with_the_wrong_verifier_or_too_old_is_refused(
    verifier: str, age_s: int
) -> None:
    wishes = {"callback_url": "https://example.org/", "code_challenge": "right"}
    async with connected() as (client, emulator):
        code = (await client.post("/auth/keys/code", json=wishes)).json()["data"]["id"]
        emulator.world.clock.advance(age_s)
        body = {"code": code, "code_verifier": verifier}
        response = await client.post("/auth/keys", json=body)
    assert response.status_code == 403


async def test_a_callback_that_is_no_web_address_is_refused() -> None:
    async with connected() as (client, _):
        response = await client.get(
            "http://emulator/auth", params={"callback_url": "javascript:alert(1)"}
        )
    assert response.status_code == 400


async def test_a_granted_key_belongs_to_another_account() -> None:
    async with connected() as (client, emulator):
        wishes = {"callback_url": "https://example.org/"}
        code = (await client.post("/auth/keys/code", json=wishes)).json()["data"]["id"]
        body = {"code": code}
        guest = bearer((await client.post("/auth/keys", json=body)).json()["key"])
        answered = await read(client, ask(), headers=guest)
        bill = {"id": answered.id}
        seen = [
            (await client.get("/generation", params=bill, headers=headers)).status_code
            for headers in (guest, bearer(DEMO_KEY))
        ]
        used = [
            (await client.get("/credits", headers=headers)).json()["data"]["total_usage"]
            for headers in (guest, bearer(DEMO_KEY))
        ]
        emulator.world.clock.advance(DAY_S)
        activity = (await client.get("/activity", headers=MANAGER)).json()["data"]
        listed = (await client.get("/keys", headers=MANAGER)).json()["data"]
    assert seen == [200, 404]
    assert used[0] > 0 == used[1]
    assert activity == []
    assert [key["name"] for key in listed] == ["Emulator"]
