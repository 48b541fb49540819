"""What a replay is told of the past, the command over it, and policies as a send meets them."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from billing.services import correct_entry
from chat.drafts import Draft
from chat.history import past_turns
from chat.models import Message, State
from chat.services import Turn
from chat.settlement import Timing, settle_reply
from openrouter.events import Usage
from routing.models import PolicyVersion, ShadowDecision
from routing.policy_services import go_live, go_shadow, next_version
from routing.policy_shelf import policy_shelf
from routing.replay import PastTurn
from tests.chat.conftest import Ask

COST = Decimal("0.0000123456789012345678")
TODAY = timezone.now().date()


def answered(turn: Turn, *, billed: bool = True) -> Message:
    usage = Usage(12, 3, cost_usd=COST) if billed else None
    draft = Draft(text=["Rayleigh."], usage=usage)
    reply = settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=draft,
        state=State.DONE,
        timing=Timing(120, 900),
    )
    assert reply is not None
    return reply


def the_past(newest: int | None = None, days: int = 1) -> list[PastTurn]:
    since = timezone.now() - dt.timedelta(days=days)
    return list(past_turns(since=since, until=None, newest=newest))


def live_policy(**values: Any) -> PolicyVersion:
    """Put the next version of the seeded policy to work, with these values."""
    version = next_version(PolicyVersion.objects.get(name="balanced", number=1), values, by=None)
    go_live(version)
    policy_shelf.forget()
    return version


def test_the_past_is_told_with_what_was_really_used_and_billed(ask: Ask) -> None:
    answered(ask("Why is the sky blue?"))
    (turn,) = the_past()
    assert (turn.text, turn.tokens, turn.billed_usd) == ("Why is the sky blue?", (12, 3), COST)
    assert turn.decision["slug"] in {"acme/one", "umbra/two"}


def test_corrections_are_part_of_the_bill(ask: Ask) -> None:
    reply = answered(ask())
    assert reply.usage is not None
    correct_entry(entry=reply.usage, cost_usd=COST + 1)
    assert the_past()[0].billed_usd == COST + 1


def test_an_answer_without_a_bill_is_told_as_unknown_and_a_running_one_not_at_all(ask: Ask) -> None:
    answered(ask("stopped", nonce="a"), billed=False)
    ask("running", nonce="b")
    (turn,) = the_past()
    assert (turn.tokens, turn.billed_usd) == (None, None)


def test_the_past_is_told_oldest_first_and_only_as_far_as_asked(ask: Ask) -> None:
    for number in range(3):
        answered(ask(f"Question {number}", nonce=f"n{number}"))
    assert [turn.text for turn in the_past()] == ["Question 0", "Question 1", "Question 2"]
    assert [turn.text for turn in the_past(newest=2)] == ["Question 1", "Question 2"]
    assert len(the_past(newest=50)) == 3
    tomorrow = timezone.now() + dt.timedelta(days=1)
    assert list(past_turns(since=tomorrow, until=None, newest=2)) == []
    assert list(past_turns(since=timezone.now(), until=tomorrow, newest=None)) == []


def replayed(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    call_command("replay", *options)
    return capsys.readouterr().out


def test_the_command_prints_costs_models_and_changes(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = answered(ask()).decision
    assert chosen
    other = "umbra" if chosen["slug"].startswith("acme") else "acme"
    live_policy(allowed=[other])
    shown = replayed(capsys, "--policy", "balanced", "--since", f"{TODAY}")
    for part in (
        "1 answer from",
        "What happened",
        "This policy",
        "Always the strongest",
        "$",
        other,
    ):
        assert part in shown
    assert "Decisions that change" in shown
    unchanged = replayed(capsys, "--policy", "balanced@1", "--since", f"{TODAY}")
    assert "Decisions that change" not in unchanged


def test_the_command_prints_the_same_twice_and_json_that_parses(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    answered(ask())
    options = ("--policy", "built-in", "--since", f"{TODAY}", "--format", "json")
    first, second = (replayed(capsys, *options) for _ in range(2))
    assert first == second
    told = json.loads(first)
    assert told["judged"] == 1
    assert Decimal(told["billed_usd"]) == COST


def test_the_command_says_when_there_is_nothing(
    ask: Ask, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = replayed(
        capsys, "--policy", "balanced", "--since", "2020-01-01", "--until", "2020-01-02"
    )
    assert "no answer to replay" in shown


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--since", "2026-11-01"], "required: --policy"),
        (["--policy", "balanced"], "required: --since"),
        (
            ["--policy", "nobody", "--since", "2026-11-01"],
            "no policy 'nobody'. There are: balanced@1",
        ),
        (["--policy", "balanced@9", "--since", "2026-11-01"], "There are: balanced@1, built-in"),
        (["--policy", "balanced@x", "--since", "2026-11-01"], "no policy 'balanced@x'"),
        (["--policy", "balanced", "--since", "yesterday"], "'yesterday' is no day"),
        (["--policy", "balanced", "--since", "2026-02-30"], "is no day"),
        (["--policy", "balanced", "--since", "2026-11-02", "--until", "2026-11-02"], "later day"),
        (["--policy", "balanced", "--since", "2026-11-01", "--newest", "0"], "1 or more"),
        (["--policy", "balanced", "--since", "2026-11-01", "--format", "xml"], "invalid choice"),
    ],
)
def test_the_command_answers_bad_input_with_a_sentence(
    ada: User, options: list[str], said: str
) -> None:
    with pytest.raises(CommandError, match=said) as refusal:
        call_command("replay", *options)
    assert refusal.value.returncode


# --- What a send makes of policies ---


def test_a_decision_names_its_policy_and_version(ask: Ask) -> None:
    decision = ask().reply.decision
    assert decision
    assert (decision["policy"], decision["policy_version"]) == ("balanced", "1")
    version = live_policy(dial=9)
    later = ask("And now?", nonce="n").reply.decision
    assert later
    assert (later["policy_version"], later["dial"]) == (str(version.number), 9)


def test_a_groups_policy_holds_for_its_members_alone(ask: Ask, ada: User, eve: User) -> None:
    interns = Group.objects.create(name="interns")
    eve.groups.add(interns)
    theirs = PolicyVersion(name="interns", group=interns, for_everybody=False, allowed=["umbra"])
    theirs.save()
    go_live(theirs)
    policy_shelf.forget()
    decisions = [ask(nonce=user.username, user=user).reply.decision or {} for user in (ada, eve)]
    assert [decision["policy"] for decision in decisions] == ["balanced", "interns"]
    assert decisions[1]["slug"] == "umbra/two"


def test_privacy_wishes_go_out_with_the_request(ask: Ask) -> None:
    plain = ask().job
    assert plain is not None
    assert plain.request.provider is None
    live_policy(no_training=True, zero_retention=True)
    private = ask("And now?", nonce="n").job
    assert private is not None
    assert private.request.provider == {"data_collection": "deny", "zdr": True}


def test_a_shadow_decides_beside_a_send_after_its_transaction(
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    monkeypatch.setattr("routing.shadow.backstage", lambda work: work())
    policy_shelf.forget()
    with django_capture_on_commit_callbacks(execute=True):
        ask("nobody watches", nonce="a")
    assert not ShadowDecision.objects.exists()

    base = PolicyVersion.objects.get(name="balanced")
    shadow = next_version(base, {"allowed": ["umbra"]}, by=None)
    go_shadow(shadow)
    policy_shelf.forget()
    with django_capture_on_commit_callbacks(execute=True):
        turn = ask("somebody watches", nonce="b")
        assert not ShadowDecision.objects.exists()
    (seen,) = ShadowDecision.objects.all()
    decision = turn.reply.decision
    assert decision
    assert (seen.message_ref, seen.model) == (str(turn.reply.pk), "umbra/two")
    assert (seen.version_id, seen.live_policy) == (shadow.pk, "balanced@1")
    assert seen.live_model == decision["slug"]
    assert seen.live_odds is not None
    assert seen.expected_usd is not None
    assert seen.refused == ""

    turn.conversation.delete()
    assert ShadowDecision.objects.count() == 1


def test_the_shadow_is_asked_with_the_dial_that_the_person_has_turned(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    seen: list[float] = []
    monkeypatch.setattr(
        "routing.shadow.backstage", lambda work: seen.append(work.args[0].policy.dial)
    )
    base = PolicyVersion.objects.get(name="balanced")
    go_shadow(next_version(base, {"dial": 3, "dial_most": 8}, by=None))
    policy_shelf.forget()
    with django_capture_on_commit_callbacks(execute=True):
        first = ask("as it is", nonce="a")
    Message.objects.running().update(state=State.DONE, lease_until=None)
    first.conversation.wishes = {"dial": 9}
    first.conversation.save()
    with django_capture_on_commit_callbacks(execute=True):
        ask("turned", conversation=first.conversation, nonce="b")
    assert seen == [3, 8]


def test_a_pinned_model_has_no_shadow(
    ask: Ask, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    monkeypatch.setattr("routing.shadow.backstage", lambda work: work())
    go_shadow(next_version(PolicyVersion.objects.get(name="balanced"), {}, by=None))
    policy_shelf.forget()
    with django_capture_on_commit_callbacks(execute=True):
        ask(choice="acme/one")
    assert not ShadowDecision.objects.exists()
