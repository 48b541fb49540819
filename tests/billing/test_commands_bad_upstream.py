"""Every command that asks OpenRouter, with an OpenRouter that is wrong: words, status, no trace.

`sync_keys` has a file of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import User
from billing.credits_models import CreditsSnapshot
from billing.models import Call, CallState, UsageRecord
from billing.services import note_generation_id
from openrouter.emulator.settings import DEMO_KEY
from tests.billing.books import ended, running_call
from tests.billing.keyring import run, world

pytestmark = pytest.mark.django_db(transaction=True)
COMMANDS = ("sync_models", "sync_credits", "reconcile", "settle")
MANAGING = ("sync_credits", "reconcile")
NOT_HERE_YET = 2  # the status of `settle` where one bill cannot be read: it asks again later
SETTLING = ("attempts", "last_answer", "next_try_at")  # what an attempt notes on a call


class Upstream(httpx.AsyncBaseTransport):
    """The emulator, until the request with number `after`: from then on `trouble` answers."""

    def __init__(self, emulator: httpx.AsyncBaseTransport) -> None:
        self.emulator = emulator
        self.trouble: Callable[[httpx.Request], httpx.Response] | None = None
        self.after = 0
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.trouble and self.asked > self.after:
            return self.trouble(request)
        return await self.emulator.handle_async_request(request)


def timeout(request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing came", request=request)


def unreachable(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no route", request=request)


def wrong_key(_: httpx.Request) -> httpx.Response:
    return httpx.Response(401, json={"error": {"code": 401, "message": "User not found."}})


def plain_key(_: httpx.Request) -> httpx.Response:
    told = "Only management keys can perform this operation"
    return httpx.Response(403, json={"error": {"code": 403, "message": told}})


def half(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, text='{"data": [{"id": "openai/gpt-5", "pricing": {"prom')


class BrokenBody(httpx.AsyncByteStream):
    async def __aiter__(self) -> Any:
        yield b'{"data": [{"id": '
        raise httpx.RemoteProtocolError("peer closed connection without sending complete body")


def cut(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, stream=BrokenBody())


def page_of_a_proxy(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, html="<html><body>Please sign in to the network</body></html>")


def of_another_shape(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"data": {"total_credits": "much", "id": 7}})


# What goes wrong → a word of the sentence, and whether it is about one bill only.
TROUBLES: dict[str, tuple[Callable[[httpx.Request], httpx.Response], str, bool]] = {
    "timeout": (timeout, "could not be reached", False),
    "unreachable": (unreachable, "could not be reached", False),
    "wrong key": (wrong_key, "key", False),
    "plain key": (plain_key, "key", False),
    "half a body": (half, "", True),
    "cut in the middle": (cut, "", True),
    "a proxy's page": (page_of_a_proxy, "not an answer", True),
    "another shape": (of_another_shape, "not an answer", True),
}


@pytest.fixture(autouse=True)
def upstream(settings: Settings, person: User) -> Upstream:
    world.reset(settings)
    world.transport = upstream = Upstream(world.transport)
    stopped = running_call(person)
    note_generation_id(call_id=stopped.pk, generation_id="gen-stopped")
    ended(stopped)
    ended(running_call(person), cost_usd=Decimal("0.01"))
    return upstream


def everything() -> dict[str, list[Any]]:
    """Every row of these apps, but for the note that a bill was asked for."""
    found = {}
    for app in ("billing", "routing"):
        for model in apps.get_app_config(app).get_models():
            fields = [f.attname for f in model._meta.fields if f.attname not in SETTLING]
            rows = model._base_manager.order_by("pk").values_list(*fields)
            found[model.__name__] = list(rows)
    return found


@pytest.mark.parametrize("trouble", TROUBLES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_upstream_is_a_sentence_a_status_and_no_trace(
    upstream: Upstream, command: str, trouble: str
) -> None:
    answer, word, is_about_one = TROUBLES[trouble]
    upstream.trouble = answer
    before = everything()
    with pytest.raises(CommandError) as caught:
        run(command)
    expected = NOT_HERE_YET if command == "settle" and is_about_one else 1
    assert caught.value.returncode == expected
    if expected == 1:
        assert word in str(caught.value)
    assert "sk-or-" not in str(caught.value)
    assert everything() == before


@pytest.mark.parametrize("trouble", sorted(TROUBLES.keys() - {"another shape"}))
@pytest.mark.parametrize("requests", [1, 2])
def test_a_reconciliation_that_breaks_off_in_the_middle_writes_nothing(
    upstream: Upstream, trouble: str, requests: int
) -> None:
    upstream.trouble, upstream.after = TROUBLES[trouble][0], requests
    before = everything()
    with pytest.raises(CommandError, match="Nothing was compared") as caught:
        run("reconcile")
    assert upstream.asked > requests
    assert caught.value.returncode == 1
    assert everything() == before


@pytest.mark.parametrize("command", MANAGING)
def test_a_plain_key_is_told_to_be_no_management_key(upstream: Upstream, command: str) -> None:
    upstream.trouble = plain_key
    with pytest.raises(CommandError, match="wants a management key here"):
        run(command)


def test_the_emulator_tells_a_plain_key_from_a_management_key() -> None:
    """Where OpenRouter does: `/credits` was seen to answer a plain key, too."""
    world.management_key = DEMO_KEY
    before = everything()
    with pytest.raises(CommandError, match="wants a management key here") as caught:
        run("reconcile")
    assert caught.value.returncode == 1
    assert everything() == before


@pytest.mark.parametrize("command", [*MANAGING, "settle"])
def test_a_key_that_nobody_knows_is_told_to_be_wrong(command: str) -> None:
    world.key = world.management_key = "sk-or-v1-0123456789abcdef"
    with pytest.raises(CommandError, match="key") as caught:
        run(command)
    assert caught.value.returncode == 1
    assert "sk-or-" not in str(caught.value)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_says_what_it_does_and_what_its_status_means(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command(command, "--help")
    assert caught.value.code == 0
    assert "Exit status" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("bought", ['"NaN"', "-5", "1e30", "null"])
def test_credits_that_cannot_be_are_not_kept(upstream: Upstream, bought: str) -> None:
    body = f'{{"data": {{"total_credits": {bought}, "total_usage": 1}}}}'
    upstream.trouble = lambda _: httpx.Response(200, text=body)
    with pytest.raises(CommandError, match="Nothing was kept"):
        run("sync_credits")
    assert not CreditsSnapshot.objects.exists()


def test_credits_are_kept_to_the_last_digit_and_may_be_overdrawn(
    upstream: Upstream,
) -> None:
    body = '{"data": {"total_credits": 600.815, "total_usage": 601.014979078}}'
    upstream.trouble = lambda _: httpx.Response(200, text=body)
    assert "-$0.199979078 left: $600.815 bought, $601.014979078 used." in run("sync_credits")
    assert CreditsSnapshot.objects.get().left_usd == Decimal("-0.199979078")


def test_all_of_them_do_their_work_when_nothing_is_wrong() -> None:
    assert "models listed" in run("sync_models")
    assert "left:" in run("sync_credits")
    assert "In all: ledger" in run("reconcile") or "There is no day" in run("reconcile")
    with pytest.raises(CommandError, match="Ask again later"):  # the emulator has no such bill
        run("settle")
    assert Call.objects.filter(state=CallState.PENDING).count() == 1
    assert UsageRecord.objects.count() == 1
