"""Votes through the application's own pages move what the next message is answered by."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client, TestCase
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from chat.drafts import Draft
from chat.models import Message, Role, State
from chat.runner import runner
from chat.settlement import Timing, settle_reply
from openrouter.results import Pricing
from routing import evidence
from routing.evidence import Tally, outcome
from routing.shelf import shelf
from routing.sync import store_catalogue
from routing.votes import predicted
from tests.routing.factories import info

HTMX = {"HX-Request": "true"}
CODE = "Write a Python function that parses a CSV file, and fix the bug: def f(x): return {}"
MATHS = "Prove that the sequence a_n = 1/n + {} converges, and derive its limit step by step"


@pytest.fixture
def page(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Ada's browser, with two models of about the same worth to be chosen from."""
    monkeypatch.setattr(runner, "start", lambda job, change, frame: None)
    cheap = Pricing(prompt_usd=Decimal("0.000001"), completion_usd=Decimal("0.000004"))
    dearer = Pricing(prompt_usd=Decimal("0.0000016"), completion_usd=Decimal("0.0000064"))
    infos = [info("acme/one", pricing=cheap), info("umbra/two", pricing=dearer)]
    store_catalogue(infos, now=timezone.now())
    client.force_login(ada)
    return client


def ask(page: Client, prompt: str) -> Message:
    """Send a prompt in a new conversation, as the page does; the answer of the chosen model."""
    page.post(reverse("chat:send"), {"prompt": prompt}, headers=HTMX)
    reply = Message.objects.filter(role=Role.ASSISTANT).latest("pk")
    assert reply.decision is not None
    settled = settle_reply(
        pk=reply.pk,
        call_id=reply.call_id,
        draft=Draft(["Said."], model=reply.decision["slug"]),
        state=State.DONE,
        timing=Timing(None, 1),
    )
    assert settled is not None
    return settled


def vote(page: Client, reply: Message, value: str) -> None:
    url = reverse("chat:thumb", args=[reply.pk, value])
    with TestCase.captureOnCommitCallbacks(execute=True):
        assert page.post(url, headers=HTMX).status_code == 200


def chosen(reply: Message) -> str:
    decision: dict[str, Any] = reply.decision or {}
    return str(decision["slug"])


def shifts(reply: Message) -> dict[str, float]:
    decision: dict[str, Any] = reply.decision or {}
    found: dict[str, float] = decision["live"]["votes"]["shifts"]
    return found


def test_thirty_votes_move_the_choice_as_the_evaluation_reckons(page: Client) -> None:
    first = ask(page, CODE.format("the first"))
    loser, winner = chosen(first), "acme/one" if chosen(first) == "umbra/two" else "umbra/two"
    told = {loser: outcome(0.0, odds=predicted(first.decision, loser)), winner: Tally()}
    vote(page, first, "down")
    assert chosen(ask(page, CODE.format("one vote moves nothing"))) == loser
    for number in range(29):  # the person likes what `winner` writes, and nothing of `loser`
        reply = ask(page, CODE.format(number))
        model = chosen(reply)
        odds = predicted(reply.decision, model)
        told[model] = told[model].plus(outcome(float(model == winner), odds=odds))
        vote(page, reply, "up" if model == winner else "down")
    moved = ask(page, CODE.format("at last"))
    assert chosen(moved) == winner
    assert 1 < told[loser].weight < 30
    expected = evidence.shifts({"code": told}, "code", shelf.snapshot().ladder)
    assert shifts(moved) == pytest.approx(expected, abs=0.02)
    assert shifts(moved)[loser] < 0 < shifts(moved)[winner]
    assert moved.receipt is not None
    assert moved.receipt.live_lines[0].startswith("Your votes moved the choice (this is code)")


def test_votes_on_one_kind_of_prompt_count_little_on_another_and_not_for_others(
    page: Client, client: Client, eve: User
) -> None:
    first = ask(page, CODE.format("x"))
    for number in range(12):
        vote(page, ask(page, CODE.format(number)), "down")
    on_code, on_maths = ask(page, CODE.format("x")), ask(page, MATHS.format("1/n"))
    loser = chosen(first)
    assert shifts(on_code)[loser] < shifts(on_maths)[loser] < 0
    client.force_login(eve)
    theirs = ask(client, CODE.format("x"))
    assert chosen(theirs) == loser
    assert not (theirs.decision or {})["live"]


def test_a_reset_takes_the_choice_back(page: Client) -> None:
    first = ask(page, CODE.format("x"))
    for _ in range(40):
        reply = ask(page, CODE.format("x"))
        if chosen(reply) != chosen(first):
            break
        vote(page, reply, "down")
    assert chosen(reply) != chosen(first)
    with TestCase.captureOnCommitCallbacks(execute=True):
        page.post(reverse("chat:forget_votes"))
    assert chosen(ask(page, CODE.format("x"))) == chosen(first)
