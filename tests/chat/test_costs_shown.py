"""What a person sees of money: below an answer, in the header, while pending; or nowhere."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import User
from billing.limits import Budget
from billing.models import Call, UsageRecord
from billing.services import correct_entry, end_call, note_generation_id
from billing.visibility import without_money
from chat import fragments
from chat.drafts import Draft
from chat.models import Message, State
from chat.services import Turn
from chat.settlement import Timing, settle_reply
from openrouter.events import Usage
from tests.chat.conftest import Ask

pytestmark = pytest.mark.django_db
MONEY = re.compile(r"\$\s?\d|\bUSD\b|\d\s?(?:cents|dollars)")


def usd(text: str) -> Decimal:
    return Decimal(text)


def settled(turn: Turn, usage: Usage | None = None, generation_id: str | None = None) -> Message:
    """The reply of a turn at its end, with this usage; without one its bill is to come."""
    draft = Draft(
        ["Because of Rayleigh scattering."],
        usage=usage,
        model="acme/one",
        generation_id=generation_id,
    )
    reply = settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=draft,
        state=State.DONE,
        timing=Timing(400, 1200),
    )
    assert reply is not None
    return reply


def page(user: User, turn: Turn) -> str:
    client = Client()
    client.force_login(user)
    return unescape(client.get(turn.conversation.get_absolute_url()).content.decode())


def under(html: str, reply: Message) -> str:
    """The words of the cost under an answer, without markup."""
    found = re.search(rf'id="m{reply.pk}-cost".*?>(.*?)</summary>', html, re.DOTALL)
    assert found
    return " ".join(re.sub(r"<[^>]*>", " ", found[1]).split())


def asked(user: User, reply: Message) -> tuple[int, str]:
    """What the page is told when it asks for a cost."""
    client = Client()
    client.force_login(user)
    response = client.get(f"/m/{reply.pk}/cost/")
    return response.status_code, response.content.decode()


TOLD = Usage(prompt_tokens=1200, completion_tokens=34, cost_usd=usd("0.000412"))


def test_cost_and_tokens_stand_under_an_answer_and_the_total_in_the_header(
    ada: User, ask: Ask
) -> None:
    turn = ask()
    reply = settled(turn, TOLD)
    html = page(ada, turn)
    assert under(html, reply).startswith("$0.000412 1,234 tokens")
    assert "1,200 in, 34 out" in html
    assert 'title="Cost of this conversation so far">$0.000412<' in html
    assert "hx-get" not in fragments.message(reply)


def test_a_pending_cost_is_asked_for_until_it_is_there(ada: User, ask: Ask) -> None:
    turn = ask()
    reply = settled(turn, generation_id="gen-1")
    html = page(ada, turn)
    assert under(html, reply).startswith("cost pending")
    assert f'hx-get="/m/{reply.pk}/cost/" hx-trigger="every 20s"' in html
    assert asked(ada, reply) == (204, "")
    bill = end_call(  # by another process, which tells this one nothing
        call_id=turn.reply.call_id or 0, usage=TOLD, served_model="acme/one", provider=None,
        finish_reason=None, ttft_ms=None, duration_ms=None, may_have_cost=True,
    )  # fmt: skip
    Message.objects.filter(pk=reply.pk).update(usage=bill)
    status, update = asked(ada, reply)
    assert status == 200
    assert "$0.000412" in update
    assert "hx-get" not in update, "nobody asks any longer"
    for place in (f"m{reply.pk}-cost", f"m{reply.pk}-figures", "total"):
        assert re.search(rf'id="{place}"[^>]*hx-swap-oob', update, re.DOTALL)


def test_what_another_person_spent_cannot_be_asked_for(eve: User, ask: Ask) -> None:
    reply = settled(ask(), TOLD)
    assert asked(eve, reply)[0] == 404


def test_what_nobody_can_be_asked_for_is_not_asked_for(ada: User, ask: Ask) -> None:
    turn = ask()
    reply = settled(turn)
    html = page(ada, turn)
    assert under(html, reply).startswith("cost unknown")
    assert f"/m/{reply.pk}/cost/" not in html


def test_a_correction_is_shown_with_what_was_said_before(ada: User, ask: Ask) -> None:
    turn = ask()
    reply = settled(turn, TOLD)
    correct_entry(entry=UsageRecord.objects.get(), cost_usd=usd("0.0003"))
    html = page(ada, turn)
    assert "$0.0003 corrected from $0.000412" in under(html, reply)
    assert "corrected from $0.000412 to $0.0003" in html


def test_a_turn_that_was_asked_for_twice_shows_both(ada: User, ask: Ask) -> None:
    turn = ask()
    first = turn.reply.call
    assert first
    again = Call.objects.create(
        user=ada, user_ref=first.user_ref, purpose="reply", requested_model="acme/one",
        conversation_ref=first.conversation_ref, message_ref=first.message_ref, state="running",
    )  # fmt: skip
    Message.objects.filter(pk=turn.reply.pk).update(call=again)
    note_generation_id(call_id=first.pk, generation_id="gen-1")
    end_call(
        call_id=first.pk, usage=Usage(cost_usd=usd("0.1")), served_model=None, provider=None,
        finish_reason=None, ttft_ms=None, duration_ms=None, may_have_cost=True,
    )  # fmt: skip
    turn.reply.call_id = again.pk
    reply = settled(turn, Usage(cost_usd=usd("0.02")))
    html = page(ada, turn)
    assert under(html, reply).startswith("$0.12")
    assert "an earlier attempt $0.10, the answer $0.02" in html


def test_a_page_asks_for_costs_once_however_many_answers_it_has(ada: User, ask: Ask) -> None:
    turn = ask()
    settled(turn, TOLD)
    counts = []
    for number in range(3):
        with CaptureQueriesContext(connection) as queries:
            page(ada, turn)
        about_costs = [each for each in queries if "billing_usagerecord" in each["sql"]]
        counts.append(len(about_costs))
        settled(ask(f"More {number}", conversation=turn.conversation, nonce=f"n{number}"), TOLD)
    assert counts[0] == counts[1] == counts[2] > 0


# --- SHOW_MONEY=false ---


@pytest.fixture
def _hidden(settings: Settings) -> None:
    settings.SHOW_MONEY = False


@pytest.mark.usefixtures("_hidden")
def test_where_money_is_hidden_no_page_and_no_fragment_names_any(ada: User, ask: Ask) -> None:
    Budget.objects.create(user=ada, per_month_usd=usd("1"))
    turn = ask()
    reply = settled(turn, Usage(prompt_tokens=1200, completion_tokens=34, cost_usd=usd("0.6")))
    correct_entry(entry=UsageRecord.objects.get(), cost_usd=usd("0.7"))
    reply = Message.objects.with_books().get(pk=reply.pk)
    client = Client()
    client.force_login(ada)
    shown = {
        "page": page(ada, turn),
        "fragment": unescape(fragments.settled(reply)),
        "update": unescape(asked(ada, reply)[1]),
        "picker": unescape(client.get("/models/").content.decode()),
        "preview": unescape(client.post("/preview/", {"prompt": "Why so?"}).content.decode()),
        "usage": unescape(client.get("/usage/").content.decode()),
        "account": unescape(client.get("/keys/").content.decode()),
        "again": unescape(client.get(f"/m/{reply.pk}/again/").content.decode()),
    }
    for name, html in shown.items():
        assert not MONEY.search(html), f"{name}: {MONEY.search(html)}"
        assert "/M" not in re.sub(r"<[^>]*>", " ", html), name
    assert "Likely" in shown["preview"]
    assert "1,234 tokens" in shown["page"], "tokens are no money"
    assert "70 % is spent" in shown["page"]
    assert "has 30 % left" in shown["page"]


@pytest.mark.usefixtures("_hidden")
def test_where_money_is_hidden_a_failure_and_a_refusal_name_none(ada: User, ask: Ask) -> None:
    turn = ask()
    settled(turn, TOLD)
    Message.objects.filter(pk=turn.reply.pk).update(state=State.FAILED, error_text="It broke.")
    assert not MONEY.search(page(ada, turn))
    Budget.objects.create(user=ada, per_day_usd=usd("0.0004"))
    client = Client()
    client.force_login(ada)
    refused = client.post(
        "/send/", {"prompt": "Why?", "nonce": "n"}, headers={"HX-Request": "true"}
    )
    assert refused.status_code == 402
    assert not MONEY.search(unescape(refused.content.decode()))


@pytest.mark.usefixtures("_hidden")
@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        (
            "about 82% likely to do well at about $0.0012, best of 12 that fit.",
            "about 82% likely to do well, best of 12 that fit.",
        ),
        ("You chose it; about $1.30 for this answer.", "You chose it for this answer."),
        ("It cost -$0.20.", "It cost."),
        ("Nothing of the kind.", "Nothing of the kind."),
    ],
)
def test_an_amount_leaves_a_sentence_whole(sentence: str, shown: str) -> None:
    assert without_money(sentence) == shown


def test_a_sentence_is_left_alone_where_money_is_shown() -> None:
    assert without_money("at about $0.0012") == "at about $0.0012"
