"""Policies in the admin: what the form refuses, what a save makes, who may put one to work."""

from __future__ import annotations

import datetime as dt
import html
import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from openrouter.results import Pricing
from routing.models import PolicyVersion, ShadowDecision
from routing.policies import DEFAULT
from routing.policy_models import Standing
from routing.policy_services import go_shadow, next_version
from routing.replay import PastTurn
from routing.services import choose_model
from routing.sync import store_catalogue
from tests.routing.factories import info

pytestmark = pytest.mark.django_db
LIST = reverse("admin:routing_policyversion_changelist")
ADD = reverse("admin:routing_policyversion_add")


@pytest.fixture(autouse=True)
def _stock() -> None:
    dear = Pricing(prompt_usd=Decimal("0.00001"), completion_usd=Decimal("0.00005"))
    infos = [info("acme/one"), info("umbra/two", pricing=dear), info("acme/gift:free")]
    store_catalogue(infos, now=timezone.now())


@pytest.fixture
def seeded() -> PolicyVersion:
    return PolicyVersion.objects.get(name="balanced")


def change(version: PolicyVersion) -> str:
    return reverse("admin:routing_policyversion_change", args=[version.pk])


def work(version: PolicyVersion, step: str) -> str:
    return reverse("admin:routing_policyversion_work", args=[version.pk, step])


def text_of(page: Any) -> str:
    assert page.status_code == 200
    text = re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", page.content.decode(), flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def filled(**values: Any) -> dict[str, Any]:
    """The form as it comes, for a policy like the built-in one."""
    return {
        "precedence": "0", "note": "", "dial": "5", "dial_least": "0", "dial_most": "10",
        "quality_floor_percent": "0", "price_cap_usd": "", "allowed": "", "excluded": "",
        "fallbacks": "2", "weights": "{}",
    } | values  # fmt: skip


# --- What a save makes ---


def test_a_new_policy_is_a_draft(admin_client: Client) -> None:
    page = admin_client.post(ADD, filled(name="thrifty", dial="2", allowed="acme"), follow=True)
    made = PolicyVersion.objects.get(name="thrifty")
    assert (made.number, made.standing, made.dial, made.allowed) == (1, Standing.DRAFT, 2, ["acme"])
    assert made.for_everybody
    assert made.created_by is not None
    assert "decides nothing yet" in text_of(page)
    assert "1 model of today’s catalogue may be chosen" in text_of(page)


def test_a_policy_of_a_group_is_not_for_everybody(admin_client: Client) -> None:
    group = Group.objects.create(name="interns")
    admin_client.post(ADD, filled(name="interns", group=group.pk))
    made = PolicyVersion.objects.get(name="interns")
    assert (made.group, made.for_everybody) == (group, False)


def test_to_change_a_version_at_work_makes_the_next_one(
    admin_client: Client, seeded: PolicyVersion
) -> None:
    values = filled(dial="7", allowed="acme\n umbra/*, acme", price_cap_usd="0.02", note="dearer")
    page = admin_client.post(change(seeded), values, follow=True)
    assert "Saved balanced@2, as a draft" in text_of(page)
    assert "dial 5 → 7" in text_of(page)
    seeded.refresh_from_db()
    assert (seeded.dial, seeded.standing) == (5, Standing.LIVE)
    second = PolicyVersion.objects.get(name="balanced", number=2)
    assert (second.dial, second.standing, second.note) == (7, Standing.DRAFT, "dearer")
    assert second.allowed == ["acme", "umbra/*"]
    assert second.price_cap_usd == Decimal("0.02")
    assert second.created_by is not None


def test_a_draft_is_changed_in_place(admin_client: Client, seeded: PolicyVersion) -> None:
    draft = next_version(seeded, {"dial": 7}, by=None)
    admin_client.post(change(draft), filled(dial="8"))
    draft.refresh_from_db()
    assert draft.dial == 8
    assert PolicyVersion.objects.count() == 2


@pytest.mark.parametrize("note", ["The policy that Switchboard comes with.", "Another reason."])
def test_to_change_no_value_makes_no_version(
    admin_client: Client, seeded: PolicyVersion, note: str
) -> None:
    page = admin_client.post(change(seeded), filled(note=note), follow=True)
    assert "No value was changed" in text_of(page)
    (only,) = PolicyVersion.objects.all()
    assert only.note == note


# --- What the form refuses ---


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"allowed": "nobody/*"}, "No model of the catalogue is in this pool"),
        ({"excluded": "*"}, "No model of the catalogue is in this pool"),
        ({"allowed": "*:free"}, "may not be chosen by themselves"),
        ({"allowed": "acme/<b>"}, "is no pattern of models"),
        ({"allowed": "x" * 201}, "is no pattern of models"),
        ({"dial": "11"}, "11 is not between 0 and 10"),
        ({"dial": "-1"}, "-1 is not between 0 and 10"),
        ({"dial": "nan"}, "Enter a number"),
        ({"dial": "warm"}, "Enter a number"),
        ({"dial_least": "8", "dial_most": "4"}, "lowest setting (8) is above the highest (4)"),
        ({"dial_least": "6"}, "5 is not between 6 and 10"),
        ({"quality_floor_percent": "100"}, "less than or equal to 99"),
        ({"quality_floor_percent": "-1"}, "greater than or equal to 0"),
        ({"price_cap_usd": "0"}, "more than 0"),
        ({"price_cap_usd": "-3"}, "more than 0"),
        ({"price_cap_usd": "NaN"}, "Enter a number"),
        ({"fallbacks": "3"}, "less than or equal to 2"),
        ({"weights": '{"charm": 1}'}, "“charm” is not weighed"),
        ({"weights": '{"speed": "fast"}'}, "is no number"),
        ({"weights": '{"speed": NaN}'}, "goes from 0 to"),
        ({"weights": '{"speed": -1}'}, "goes from 0 to"),
        ({"weights": '{"quality": 0}'}, "must be more than 0"),
        ({"weights": "[1]"}, "Write names and numbers"),
        ({"weights": "{"}, "valid JSON"),
        ({"name": "balanced"}, "There is a policy of this name"),
        ({"name": "with space"}, "valid “slug”"),
        ({"name": ""}, "required"),
    ],
)
def test_the_form_refuses_what_could_only_fail_later(
    admin_client: Client, values: dict[str, str], said: str
) -> None:
    page = admin_client.post(ADD, filled(**{"name": "mine", **values}))
    assert said in text_of(page)
    assert PolicyVersion.objects.count() == 1


def test_an_empty_catalogue_is_no_fault_of_the_policy(admin_client: Client) -> None:
    store_catalogue([info("acme/one")], now=timezone.now())
    PolicyVersion.objects.exclude(name="balanced").delete()
    page = admin_client.post(ADD, filled(name="mine", allowed="acme"), follow=True)
    assert "Saved mine@1" in text_of(page)


def test_free_models_make_a_pool_where_they_are_allowed(admin_client: Client) -> None:
    admin_client.post(ADD, filled(name="mine", allowed="*:free", allow_free="on"))
    assert PolicyVersion.objects.filter(name="mine").exists()


# --- Putting to work ---


def test_promotion_asks_with_the_numbers_and_then_does_it(
    admin_client: Client, seeded: PolicyVersion
) -> None:
    draft = next_version(seeded, {"dial": 7}, by=None)
    asked = text_of(admin_client.get(work(draft, "live")))
    assert "takes the place of balanced@1" in asked
    assert "Replay of the last 30 days" in asked
    draft.refresh_from_db()
    assert draft.standing == Standing.DRAFT  # to look changes nothing

    page = admin_client.post(work(draft, "live"), follow=True)
    assert "balanced@2: Live for everybody since" in text_of(page)
    seeded.refresh_from_db()
    draft.refresh_from_db()
    assert (seeded.standing, draft.standing) == (Standing.RETIRED, Standing.LIVE)
    history = reverse("admin:routing_policyversion_history", args=[draft.pk])
    assert "Make it live" in text_of(admin_client.get(history))


def test_the_live_policy_of_everybody_cannot_be_retired(
    admin_client: Client, seeded: PolicyVersion
) -> None:
    page = admin_client.post(work(seeded, "retire"), follow=True)
    assert "make another one live instead" in text_of(page)
    seeded.refresh_from_db()
    assert seeded.standing == Standing.LIVE


def a_clerk(*permissions: str) -> Client:
    user = get_user_model().objects.create_user("clerk", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_who_may_edit_may_not_therefore_promote(seeded: PolicyVersion) -> None:
    draft = next_version(seeded, {"dial": 7}, by=None)
    clerk = a_clerk("view_policyversion", "change_policyversion")
    assert "Make it live" not in text_of(clerk.get(change(draft)))
    for method in (clerk.get, clerk.post):
        assert method(work(draft, "live")).status_code == 403
    draft.refresh_from_db()
    assert draft.standing == Standing.DRAFT
    boss = Client()
    user = get_user_model().objects.create_user("boss", is_staff=True)
    names = ["view_policyversion", "promote_policyversion"]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    boss.force_login(user)
    assert boss.post(work(draft, "live")).status_code == 302
    draft.refresh_from_db()
    assert draft.standing == Standing.LIVE


def test_strangers_see_nothing(client: Client, seeded: PolicyVersion) -> None:
    for address in (LIST, change(seeded), work(seeded, "live"), replay_of(seeded)):
        assert client.get(address).status_code == 302
    clerk = a_clerk()
    for address in (work(seeded, "live"), replay_of(seeded)):
        assert clerk.get(address).status_code == 403


def test_a_promotion_needs_the_token_of_its_page(seeded: PolicyVersion) -> None:
    draft = next_version(seeded, {}, by=None)
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(get_user_model().objects.create_superuser("root"))
    assert careful.post(work(draft, "live")).status_code == 403
    draft.refresh_from_db()
    assert draft.standing == Standing.DRAFT


def test_only_drafts_can_be_deleted(admin_client: Client, seeded: PolicyVersion) -> None:
    address = "admin:routing_policyversion_delete"
    draft = next_version(seeded, {}, by=None)
    assert admin_client.post(reverse(address, args=[seeded.pk]), {"post": "yes"}).status_code == 403
    admin_client.post(reverse(address, args=[draft.pk]), {"post": "yes"})
    assert list(PolicyVersion.objects.all()) == [seeded]


@pytest.mark.parametrize("step", ["live", "nonsense"])
def test_what_is_not_there_is_not_found(admin_client: Client, step: str) -> None:
    address = reverse("admin:routing_policyversion_work", args=[999, step])
    assert admin_client.get(address).status_code == 404


# --- The numbers ---


def test_the_list_shows_what_each_version_is(admin_client: Client, seeded: PolicyVersion) -> None:
    next_version(
        seeded, {"allowed": ["a", "b", "c", "d"], "price_cap_usd": Decimal("0.5")}, by=None
    )
    shown = text_of(admin_client.get(LIST))
    for part in ("balanced@1", "live", "balanced@2", "draft", "a, b, c and 1 more", "$0.50"):
        assert part in shown
    assert admin_client.get(LIST, {"q": "balanced"}).status_code == 200


def test_the_shadows_numbers_stand_beside_the_live_ones(
    admin_client: Client, seeded: PolicyVersion
) -> None:
    shadow = next_version(seeded, {"dial": 7}, by=None)
    go_shadow(shadow)
    common: dict[str, Any] = {
        "version": shadow, "live_policy": "balanced@1", "live_model": "acme/one",
        "live_expected_usd": Decimal("0.001"), "live_odds": 0.5,
    }  # fmt: skip
    ShadowDecision.objects.create(
        message_ref="1", model="umbra/two", expected_usd=Decimal("0.01"), odds=0.75, **common
    )
    ShadowDecision.objects.create(
        message_ref="2", model="acme/one", expected_usd=None, odds=0.5, **common
    )
    ShadowDecision.objects.create(message_ref="3", refused="price_cap", **common)
    shown = text_of(admin_client.get(change(shadow)))
    assert "3 messages" in shown
    assert "beside balanced@1" in shown
    assert "The same model for 1 of them" in shown
    assert "Live $0.001000 50.0 % acme/one 100 %" in shown
    assert "balanced@2 $0.01000 62.5 % acme/one 50 %, umbra/two 50 %" in shown
    assert "would have refused 1 (price_cap)" in shown
    assert "Of 1 the cost is not known" in shown
    assert "3 messages" in text_of(admin_client.get(work(shadow, "live")))


def replay_of(version: PolicyVersion) -> str:
    return reverse("admin:routing_policyversion_replay", args=[version.pk])


def one_turn(
    *, since: dt.datetime, until: dt.datetime | None, newest: int | None
) -> list[PastTurn]:
    """A history of one message, for ROUTING_HISTORY."""
    assert newest is not None
    decision = choose_model(
        text="Why is the sky blue?", policy=DEFAULT, max_completion_tokens=2_000
    )
    at = since + dt.timedelta(hours=1)
    return [
        PastTurn("Why is the sky blue?", at, decision.to_json(), "", 1_000, 500, Decimal("0.003"))
    ]


def test_the_page_of_a_replay_shows_the_commands_tables(
    admin_client: Client, seeded: PolicyVersion, settings: Settings
) -> None:
    settings.ROUTING_HISTORY = "tests.routing.test_admin_policies.one_turn"
    assert "Ways to choose" not in text_of(admin_client.get(replay_of(seeded)))
    shown = text_of(admin_client.get(replay_of(seeded), {"since": "2026-11-01"}))
    for part in ("1 answer from 2026-11-01", "What happened", "Always the cheapest", "$0.003"):
        assert part in shown


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"since": "soon"}, "Enter a valid date"),
        ({"since": ""}, "This field is required"),
        ({"since": "2026-11-02", "until": "2026-11-01"}, "must be a later day"),
    ],
)
def test_the_page_of_a_replay_answers_bad_input(
    admin_client: Client, seeded: PolicyVersion, query: dict[str, str], said: str
) -> None:
    assert said in text_of(admin_client.get(replay_of(seeded), query))
