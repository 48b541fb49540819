"""Two answers side by side: both reserved, both written, one preferred."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import Call, CallState, UsageRecord
from chat import comparing
from chat.comparing import challenge, judge
from chat.errors import NotComparable, StillAnswering, TooManyAnswers
from chat.models import Conversation, Message, Role, State
from chat.relay import Change
from chat.runner import runner
from chat.services import Turn, branch, send
from chat.shown import Branch
from routing.services import NoCandidateFits
from tests.chat.conftest import OWNER, Ask
from tests.chat.test_branches import fresh, settle

HTMX = {"HX-Request": "true"}


@pytest.fixture
def pair(ada: User) -> Turn:
    return begin(ada)


def begin(user: User, conversation: Conversation | None = None, nonce: str = "p") -> Turn:
    return send(
        user=user,
        conversation=conversation,
        prompt="Which?",
        choice="acme/one",
        nonce=nonce,
        owner=OWNER,
        against="umbra/two",
    )


@pytest.fixture
def verdicts(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(comparing, "record_comparison", lambda **fields: told.append(fields))
    return told


def rival_of(turn: Turn) -> Message:
    rival = fresh(turn.conversation).rival
    assert rival is not None
    return rival


def settle_both(turn: Turn) -> tuple[Message, Message]:
    settle(turn, "Left.")
    rival = rival_of(turn)
    other = Turn(turn.conversation, "branch", [], rival, 0, None)
    return Message.objects.get(pk=turn.reply.pk), settle(other, "Right.")


def test_both_calls_are_reserved_and_asked_of_their_models(pair: Turn) -> None:
    assert pair.job is not None
    assert pair.rival_job is not None
    assert [job.request.model for job in (pair.job, pair.rival_job)] == ["acme/one", "umbra/two"]
    assert list(Call.objects.values_list("state", flat=True)) == [CallState.RUNNING] * 2
    assert Call.objects.values("message_ref").distinct().count() == 2
    assert rival_of(pair).parent_id == pair.messages[0].pk


def test_both_are_booked(pair: Turn) -> None:
    settle_both(pair)
    calls = set(Call.objects.values_list("state", flat=True))
    assert calls == {CallState.PENDING}, "no price was told: both wait for their bills"
    assert not UsageRecord.objects.exists()


def test_the_same_nonce_is_the_same_pair(ada: User, pair: Turn) -> None:
    again = begin(ada)
    assert again.reply == pair.reply
    assert again.job is None
    assert again.rival_job is None
    assert Message.objects.filter(role=Role.ASSISTANT).count() == 2


def test_a_pair_is_drawn_side_by_side_and_only_the_left_is_the_branch(pair: Turn) -> None:
    conversation = fresh(pair.conversation)
    shown = Branch(conversation).newest().messages
    assert [message.side for message in shown] == ["", "left", "right"]
    assert [message.pk for message in branch(conversation)][-1] == pair.reply.pk


def test_a_rival_that_does_not_fit_saves_nothing(ada: User) -> None:
    with pytest.raises(NoCandidateFits):
        send(
            user=ada, conversation=None, prompt="Which?", choice="", nonce="n", owner=OWNER,
            against="nobody/nothing",
        )  # fmt: skip
    assert not Conversation.objects.exists()
    assert not Call.objects.exists()


def test_two_answers_need_room_for_two(ada: User, settings: Any) -> None:
    settings.MAX_STREAMS_PER_USER = 1
    with pytest.raises(TooManyAnswers):
        begin(ada)


def test_nothing_is_sent_while_the_rival_is_written(ask: Ask, pair: Turn) -> None:
    settle(pair)
    with pytest.raises(StillAnswering):
        ask("And?", conversation=pair.conversation, nonce="x")


@pytest.mark.parametrize(
    ("verdict", "head"), [("a", "Left."), ("b", "Right."), ("both", "Left."), ("neither", "Left.")]
)
def test_a_vote_ends_it_and_the_preferred_one_stays(
    ada: User, pair: Turn, verdicts: list[dict[str, Any]], verdict: Any, head: str
) -> None:
    left, right = settle_both(pair)
    conversation = judge(user=ada, rival=right, verdict=verdict)
    assert conversation.rival_id is None
    assert branch(fresh(conversation))[-1].text == head
    [told] = verdicts
    assert (told["winner"], told["user_id"]) == (verdict, ada.pk)
    assert (told["model_a"], told["model_b"]) == (left.served_model, right.served_model)
    assert told["decision_b"]["slug"] == "umbra/two"


def test_a_second_vote_changes_nothing(
    ada: User, pair: Turn, verdicts: list[dict[str, Any]]
) -> None:
    _, right = settle_both(pair)
    judge(user=ada, rival=right, verdict="b")
    judge(user=ada, rival=right, verdict="a")
    assert len(verdicts) == 1
    assert branch(fresh(pair.conversation))[-1].text == "Right."


def test_a_vote_waits_for_both_answers(ada: User, pair: Turn) -> None:
    settle(pair)
    with pytest.raises(StillAnswering):
        judge(user=ada, rival=rival_of(pair), verdict="a")


def test_an_answer_that_failed_is_no_evidence(
    ada: User, pair: Turn, verdicts: list[dict[str, Any]]
) -> None:
    _, right = settle_both(pair)
    Message.objects.filter(pk=right.pk).update(state=State.FAILED)
    right.refresh_from_db()
    judge(user=ada, rival=right, verdict="a")
    assert verdicts == []
    assert fresh(pair.conversation).rival_id is None


def test_going_on_without_a_vote_keeps_the_left_one(
    ask: Ask, pair: Turn, verdicts: list[dict[str, Any]]
) -> None:
    settle_both(pair)
    turn = ask("And?", conversation=fresh(pair.conversation), nonce="x")
    assert turn.kind == "branch", "the page must put the pair away"
    assert [message.text for message in branch(fresh(pair.conversation))][:3] == [
        "Which?",
        "Left.",
        "And?",
    ]
    assert verdicts == []


def test_an_answer_that_is_there_is_challenged_while_it_is_the_latest(ask: Ask, ada: User) -> None:
    first = ask("One", nonce="1")
    left = settle(first, "First.")
    turn = challenge(user=ada, reply=left, against="umbra/two", nonce="c", owner=OWNER)
    shown = Branch(fresh(first.conversation)).newest().messages
    assert [message.side for message in shown] == ["", "left", "right"]
    settle(turn, "Rival.")
    with pytest.raises(NotComparable):
        challenge(user=ada, reply=left, against="", nonce="d", owner=OWNER)


@pytest.fixture
def page(client: Client, ada: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr(runner, "start", lambda job, change, frame: None)
    client.force_login(ada)
    return client


def test_the_composer_can_ask_two_at_once(page: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[Any] = []
    monkeypatch.setattr(runner, "start", lambda job, change, frame: started.append(job))
    fields = {"prompt": "Which?", "model": "acme/one", "against": "auto", "nonce": "n"}
    html = page.post(reverse("chat:send"), fields, headers=HTMX).content.decode()
    assert len(started) == 2
    assert html.count('data-state="streaming"') == 2
    assert 'class="pair"' in html


def test_a_vote_is_shown_on_every_tab(
    page: Client, pair: Turn, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Change] = []
    monkeypatch.setattr(runner, "announce", told.append)
    _, right = settle_both(pair)
    url = reverse("chat:vote", args=[right.pk])
    assert page.post(url, {"verdict": "b"}, headers=HTMX).status_code == 204
    assert [change.kind for change in told] == ["branch"]
    assert page.post(url, {"verdict": "c"}, headers=HTMX).status_code == 400


def test_nobody_else_votes(client: Client, eve: User, pair: Turn) -> None:
    _, right = settle_both(pair)
    client.force_login(eve)
    for name in ("vote", "compare"):
        url = reverse(f"chat:{name}", args=[right.pk])
        assert client.post(url, {"verdict": "a", "model": ""}).status_code == 404
    assert fresh(pair.conversation).rival_id == right.pk


@pytest.mark.parametrize("model", ["same", "umbra/two"])
def test_without_javascript_an_answer_is_compared_from_a_page(
    page: Client, ask: Ask, model: str
) -> None:
    first = ask("One", nonce="1")
    left = settle(first, "First.")
    again = page.get(reverse("chat:again", args=[left.pk])).content.decode()
    url = reverse("chat:compare", args=[left.pk])
    assert f'formaction="{url}"' in again
    assert page.post(url, {"model": model, "nonce": "c"}).status_code == 302
    html = page.get(first.conversation.get_absolute_url()).content.decode()
    assert 'class="pair"' in html
    assert 'name="verdict"' in html
