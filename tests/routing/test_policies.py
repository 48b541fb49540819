"""Policies as rows: versions that never change, one at work per group, and how they are found."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import IntegrityError, transaction
from pytest_django import DjangoAssertNumQueries

from routing.models import PolicyVersion
from routing.policies import DEFAULT, Policy, matches
from routing.policy_models import Standing, VersionIsFrozen
from routing.policy_services import (
    BUILT_IN,
    CannotRetire,
    NoSuchPolicy,
    find_policy,
    find_version,
    go_live,
    go_shadow,
    next_version,
    retire,
)
from routing.policy_shelf import (
    LOOK_EVERY_S,
    PolicyShelf,
    policy_for,
    policy_shelf,
    shadow_for,
)
from routing.weighing import decide
from tests.routing.factories import MARKET, candidate, question

pytestmark = pytest.mark.django_db


def seeded() -> PolicyVersion:
    return PolicyVersion.objects.get(name="balanced", number=1)


def version(name: str = "other", **values: Any) -> PolicyVersion:
    made = PolicyVersion(name=name, **values)
    made.save()
    return made


def of_group(name: str, **values: Any) -> tuple[Group, PolicyVersion]:
    group = Group.objects.create(name=name)
    return group, version(name, group=group, for_everybody=False, **values)


def put_to_work(step: Callable[[PolicyVersion], None], what: PolicyVersion) -> None:
    step(what)
    policy_shelf.forget()


# --- The value ---


@pytest.mark.parametrize(
    ("pattern", "slug", "holds"),
    [
        ("acme", "acme/one", True),
        ("acme/one", "acme/one", True),
        ("acme/*", "acme/one", True),
        ("*mini", "acme/one-mini", True),
        ("*:free", "acme/one:free", True),
        ("acm", "acme/one", False),
        ("acme/o", "acme/one", False),
        ("*", "acme/one", True),
        ("acme/[o]*", "acme/one", False),
    ],
)
def test_a_pattern_names_a_slug_an_author_or_a_part(pattern: str, slug: str, holds: bool) -> None:
    assert matches(frozenset({pattern}), slug, slug.split("/")[0]) is holds


def test_a_pool_is_what_is_allowed_without_what_is_excluded() -> None:
    policy = Policy(allowed=frozenset({"acme/*", "umbra"}), excluded=frozenset({"*-old"}))
    pool = {each.slug for each in MARKET if policy.admits(each.slug, each.author)}
    assert pool == {"acme/cheap-flash", "acme/middle", "acme/strong", "umbra/cheap-mini",
                    "umbra/middle", "umbra/strong"}  # fmt: skip
    decision = decide(question(policy=policy), MARKET)
    assert set(decision.models) <= pool


def test_a_floor_of_quality_keeps_out_whoever_is_below() -> None:
    low = decide(question(policy=DEFAULT.turned_to(0)), MARKET)
    high = decide(question(policy=Policy(dial=0, quality_floor=0.97)), MARKET)
    assert (low.candidates[0].odds or 0) < 0.97
    assert min(each.odds or 0 for each in high.candidates) >= 0.97
    assert high.rejected["quality_floor"] >= 1


def test_where_nobody_reaches_the_floor_the_likeliest_answers_and_nobody_is_refused() -> None:
    market = [candidate("a/weak", ability=0.2), candidate("b/weaker", ability=0.1)]
    decision = decide(question(policy=Policy(dial=0, quality_floor=0.95)), market)
    assert decision.slug == "a/weak"
    assert decision.candidates[0].slug == "a/weak"
    assert decision.fallbacks == ("b/weaker",)


def test_the_dial_turns_as_far_as_the_policy_lets_it() -> None:
    policy = Policy(dial=5, dial_least=4, dial_most=6)
    assert [policy.turned_to(dial).dial for dial in (0, 5, 10)] == [4, 5, 6]
    with pytest.raises(ValueError, match="dial goes from"):
        policy.turned_to(11)


@pytest.mark.parametrize(
    "values",
    [{"dial_least": 6}, {"dial_most": 4}, {"dial_least": 8, "dial_most": 2, "dial": 5},
     {"quality_floor": 1.0}, {"quality_floor": -0.1}, {"quality_floor": float("nan")}],
)  # fmt: skip
def test_a_policy_that_contradicts_itself_is_none(values: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Policy(**values)  # type: ignore[arg-type]


# --- Rows and versions ---


def test_the_constant_of_before_is_the_first_row() -> None:
    first = seeded()
    assert first.standing == Standing.LIVE
    assert first.is_frozen
    as_value = first.policy()
    assert (as_value.name, as_value.version) == ("balanced", "1")
    for name in ("dial", "weights", "price_cap_usd", "allow_free", "fallbacks", "allowed",
                 "excluded", "dial_least", "dial_most", "quality_floor", "wishes"):  # fmt: skip
        assert getattr(as_value, name) == getattr(DEFAULT, name)


def test_a_version_that_has_been_at_work_never_changes() -> None:
    first = seeded()
    first.dial = 9
    with pytest.raises(VersionIsFrozen):
        first.save()
    with pytest.raises(VersionIsFrozen):
        seeded().delete()
    assert seeded().dial == 5


def test_a_draft_may_still_change_and_go() -> None:
    draft = version()
    draft.dial = 9
    draft.save()
    draft.refresh_from_db()
    assert draft.dial == 9
    draft.delete()


def test_the_next_version_takes_the_next_number_and_keeps_the_rest() -> None:
    group, first = of_group("interns", allowed=["acme"], weights={"speed": 0.5})
    second = next_version(first, {"dial": 2}, by=None)
    third = next_version(first, {"dial": 3}, by=None)
    assert [second.number, third.number] == [2, 3]
    assert (second.group, second.for_everybody) == (group, False)
    assert second.policy().allowed == {"acme"}
    assert second.policy().weights["speed"] == 0.5
    assert second.policy().weights["quality"] == DEFAULT.weights["quality"]
    assert second.standing == Standing.DRAFT


def test_going_live_retires_the_one_before() -> None:
    second = next_version(seeded(), {"dial": 7}, by=None)
    put_to_work(go_live, second)
    assert policy_for().label == "balanced 2, dial 7"
    assert seeded().standing == Standing.RETIRED
    put_to_work(go_live, seeded())
    assert policy_for().version == "1"


def test_two_live_policies_for_everybody_are_impossible() -> None:
    other = version()
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=other.pk).update(standing=Standing.LIVE)
    group, first = of_group("interns")
    second = version("interns-2", group=group, for_everybody=False)
    put_to_work(go_live, first)
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=second.pk).update(standing=Standing.LIVE)


def test_there_is_one_shadow_at_most_and_never_the_live_one() -> None:
    one, two = version("one"), version("two")
    put_to_work(go_shadow, one)
    put_to_work(go_shadow, two)
    one.refresh_from_db()
    assert one.standing == Standing.RETIRED
    found = shadow_for()
    assert found is not None
    assert found.version_id == two.pk
    with pytest.raises(CannotRetire):
        go_shadow(seeded())
    put_to_work(go_live, two)  # promoted: its own shadow it is no more
    assert shadow_for() is None


def test_a_groups_shadow_may_stand_beside_the_policy_of_everybody() -> None:
    shadowed, watched = of_group("shadowed", precedence=9)
    ruled, theirs = of_group("ruled")
    put_to_work(go_shadow, watched)
    put_to_work(go_live, theirs)
    eve, bob = (get_user_model().objects.create_user(name) for name in ("eve", "bob"))
    eve.groups.add(shadowed)
    bob.groups.set([shadowed, ruled])
    assert policy_for(eve.pk).name == "balanced"
    beside = shadow_for(eve.pk)
    assert beside is not None
    assert beside.version_id == watched.pk
    assert policy_for(bob.pk).name == "ruled"
    assert shadow_for(bob.pk) is None


def test_everybody_always_has_a_policy() -> None:
    with pytest.raises(CannotRetire, match="everybody"):
        retire(seeded())
    group, theirs = of_group("interns", dial=1)
    put_to_work(go_live, theirs)
    put_to_work(retire, theirs)
    member = get_user_model().objects.create_user("eve")
    member.groups.add(group)
    assert policy_for(member.pk).name == "balanced"


def test_an_empty_table_leaves_the_built_in_policy() -> None:
    PolicyVersion.objects.all().delete()
    policy_shelf.forget()
    assert policy_for() is DEFAULT
    assert shadow_for() is None


def test_a_row_that_makes_no_policy_is_left_out_and_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    group, theirs = of_group("interns")
    put_to_work(go_live, theirs)
    PolicyVersion.objects.filter(pk=theirs.pk).update(weights={"speed": "fast"})
    member = get_user_model().objects.create_user("eve")
    member.groups.add(group)
    policy_shelf.forget()
    with caplog.at_level(logging.ERROR, "routing.policy_shelf"):
        assert policy_for(member.pk).name == "balanced"
    assert "interns@1" in caplog.text


def test_the_policy_of_a_deleted_group_is_nobodys() -> None:
    group, theirs = of_group("interns", dial=1)
    put_to_work(go_live, theirs)
    group.delete()
    policy_shelf.forget()
    theirs.refresh_from_db()
    assert theirs.scope.startswith("nobody")
    assert policy_for().name == "balanced"


def test_policies_are_found_by_name_and_version() -> None:
    draft = next_version(seeded(), {"dial": 8}, by=None)
    assert find_version("balanced") == seeded()  # the live one
    assert find_version("balanced@2") == draft
    version("plan")
    assert find_version("plan").number == 1
    assert find_policy(BUILT_IN) is DEFAULT
    with pytest.raises(NoSuchPolicy, match="There are: balanced@1, balanced@2, built-in"):
        find_version("balanced@7")


# --- In memory ---


def a_shelf() -> tuple[PolicyShelf, list[float]]:
    now = [100.0]
    return PolicyShelf(clock=lambda: now[0]), now


def test_a_send_asks_the_database_nothing(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(1):
        policy_for(7)
    with django_assert_num_queries(0):
        policy_for(7)
        shadow_for(7)


def test_where_groups_have_policies_a_person_is_looked_up_once(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    group, theirs = of_group("interns")
    put_to_work(go_live, theirs)
    member = get_user_model().objects.create_user("eve")
    member.groups.add(group)
    policy_shelf.at_work()
    with django_assert_num_queries(1):
        assert policy_for(member.pk).name == "interns"
    with django_assert_num_queries(0):
        assert policy_for(member.pk).name == "interns"
        assert policy_for(None).name == "balanced"


def test_of_several_groups_the_one_of_precedence_counts() -> None:
    groups = []
    for name, precedence in (("first", 1), ("second", 5)):
        group, theirs = of_group(name, precedence=precedence)
        put_to_work(go_live, theirs)
        groups.append(group)
    member = get_user_model().objects.create_user("eve")
    member.groups.set(groups)
    assert policy_for(member.pk).name == "second"


def test_another_processes_promotion_is_seen_within_a_minute() -> None:
    shelf, now = a_shelf()
    assert shelf.at_work().live[None].version == "1"
    go_live(next_version(seeded(), {"dial": 7}, by=None))
    assert shelf.at_work().live[None].version == "1"
    now[0] += LOOK_EVERY_S
    assert LOOK_EVERY_S <= 60
    assert shelf.at_work().live[None].version == "2"


def test_a_person_who_joins_a_group_has_its_policy_within_a_minute() -> None:
    shelf, now = a_shelf()
    group, theirs = of_group("interns")
    go_live(theirs)
    member = get_user_model().objects.create_user("eve")
    assert shelf.scope_of(member.pk) is None
    member.groups.add(group)
    assert shelf.scope_of(member.pk) is None
    now[0] += LOOK_EVERY_S
    assert shelf.scope_of(member.pk) == group.pk
