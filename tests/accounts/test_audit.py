"""The audit log: who did what to whom, kept for good, and nothing that it must not hold."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from accounts.audit import note
from accounts.audit_models import AuditIsAppendOnly
from accounts.models import Action, AuditEntry, User
from billing.keys import connect_own, disconnect_own
from billing.models import Budget
from chat.models import Share
from routing.policy_models import PolicyVersion
from tests.accounts.conftest import protect, sign_in
from tests.accounts.people import noted
from tests.chat.conftest import Ask

pytestmark = pytest.mark.django_db
SIGN_IN = "/accounts/login/"


def test_a_sign_in_tells_who_and_from_where(ada: User, client: Client) -> None:
    form = {"login": "ada", "password": "engine"}
    assert client.post(SIGN_IN, form, REMOTE_ADDR="198.51.100.7").status_code == 302
    (entry,) = noted(Action.SIGNED_IN)
    assert (entry.actor_ref, entry.subject_ref) == (f"user-{ada.pk}", f"user-{ada.pk}")
    assert entry.origin.address == "198.51.100.7"


def test_behind_a_proxy_the_address_is_the_persons(
    ada: User, client: Client, settings: Settings
) -> None:
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    headers = {"X-Forwarded-For": "203.0.113.9"}
    client.post(SIGN_IN, {"login": "ada", "password": "engine"}, headers=headers)
    assert noted(Action.SIGNED_IN)[0].origin.address == "203.0.113.9"


def test_a_failed_sign_in_keeps_the_account_and_nothing_that_was_typed(
    ada: User, client: Client
) -> None:
    for name in ("ada", "My-S3cret-Passw0rd", "nobody@example.org"):
        client.post(SIGN_IN, {"login": name, "password": "other-S3cret"})
    told = noted(Action.SIGN_IN_FAILED)
    assert [entry.subject_ref for entry in told] == [f"user-{ada.pk}", "unknown", "unknown"]
    assert {entry.actor_ref for entry in told} == {""}
    kept = str(list(AuditEntry.objects.values()))
    assert "S3cret" not in kept
    assert "nobody@example.org" not in kept


def test_signing_out_is_told(ada: User, client: Client) -> None:
    client.force_login(ada)
    client.post("/accounts/logout/")
    assert [entry.actor_ref for entry in noted(Action.SIGNED_OUT)] == [f"user-{ada.pk}"]


def test_a_changed_password_is_told_without_it(ada: User, client: Client) -> None:
    client.force_login(ada)
    form = {"oldpassword": "engine", "password1": "an-0ther-Engine", "password2": "an-0ther-Engine"}
    assert client.post("/accounts/password/change/", form).status_code == 302
    assert [entry.subject_ref for entry in noted(Action.PASSWORD_CHANGED)] == [f"user-{ada.pk}"]
    assert "an-0ther-Engine" not in str(list(AuditEntry.objects.values()))


def test_an_entry_is_neither_changed_nor_deleted(ada: User) -> None:
    entry = note(Action.EXPORTED, subject=ada, actor=ada)
    entry.action = Action.ERASED
    for attempt in (
        entry.save,
        entry.delete,
        AuditEntry.objects.all().delete,
        lambda: AuditEntry.objects.update(actor_ref=""),
        lambda: AuditEntry.objects.bulk_update([entry], ["action"]),
    ):
        with pytest.raises(AuditIsAppendOnly):
            attempt()
    assert AuditEntry.objects.get().action == Action.EXPORTED


@pytest.mark.parametrize(
    "statement",
    ["UPDATE accounts_auditentry SET actor_ref = ''", "DELETE FROM accounts_auditentry"],
)
def test_the_database_itself_refuses(ada: User, statement: str) -> None:
    note(Action.EXPORTED, subject=ada, actor=ada)
    with (
        pytest.raises(IntegrityError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)
    assert AuditEntry.objects.get().actor_ref == f"user-{ada.pk}"


def test_an_entry_outlives_its_person_without_their_name(ada: User, root: User) -> None:
    ref = f"user-{ada.pk}"
    note(Action.EXPORTED, subject=ada, actor=root)
    ada.delete()
    entry = AuditEntry.objects.get()
    assert entry.subject_ref == ref
    assert "ada" not in str(list(AuditEntry.objects.values()))


def test_long_texts_are_cut(ada: User) -> None:
    entry = note(Action.RIGHTS_CHANGED, subject=ada, actor=ada, detail={"why": "x" * 5000})
    assert len(entry.detail["why"]) == 200


def test_an_action_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValueError, match="danced"):
        note("danced")


def test_what_is_rolled_back_is_not_told(ada: User) -> None:
    with transaction.atomic():
        note(Action.EXPORTED, subject=ada, actor=ada)
        transaction.set_rollback(True)
    assert not AuditEntry.objects.exists()


def test_the_log_in_the_admin_is_for_reading(ada: User, root: User, client: Client) -> None:
    entry = note(Action.SHARE_MADE, subject="share-9", actor=ada, detail={"days": "7"})
    client.force_login(root)
    page = "/admin/accounts/auditentry/"
    listed = client.get(page).content.decode()
    assert "share-9" in listed
    assert ">ada<" in listed
    assert client.get(f"{page}{entry.pk}/change/").status_code == 200
    assert client.get(f"{page}add/").status_code == 403
    assert client.post(f"{page}{entry.pk}/change/", {"action": "erased"}).status_code == 403
    assert client.post(f"{page}{entry.pk}/delete/", {"post": "yes"}).status_code == 403


def test_the_log_is_found_by_person_and_by_thing(ada: User, root: User, client: Client) -> None:
    note(Action.SHARE_MADE, subject="share-9", actor=ada)
    note(Action.KEY_KEPT, subject="key-3", actor=root)
    client.force_login(root)
    for query in ({"q": "ada"}, {"q": "share-9"}, {"person": "ada"}, {"q": f"user-{ada.pk}"}):
        found = client.get("/admin/accounts/auditentry/", query).content.decode()
        assert "share-9" in found, query
        assert "key-3" not in found, query


def test_the_log_is_for_who_may_see_it(ada: User, client: Client) -> None:
    ada.is_staff = True
    ada.save()
    client.force_login(ada)
    assert client.get("/admin/accounts/auditentry/").status_code == 403


def test_second_factors_and_ended_sessions_are_told(ada: User, root: User, client: Client) -> None:
    app, _ = protect(ada)
    client.force_login(ada)
    client.get("/accounts/sessions/")
    elsewhere = UserSession.objects.create(
        user=ada, ip="192.0.2.7", user_agent="x", session_key="elsewhere"
    )
    client.post(f"/accounts/sessions/{elsewhere.pk}/end/")
    me, boss = f"user-{ada.pk}", f"user-{root.pk}"
    assert told(Action.SESSION_ENDED) == [(me, me)]
    admin = Client()
    admin.force_login(root)
    admin.post(f"/admin/mfa/authenticator/{app.pk}/delete/", {"post": "yes"})
    here = UserSession.objects.create(
        user=ada, ip="192.0.2.7", user_agent="x", session_key="another"
    )
    admin.post(f"/admin/usersessions/usersession/{here.pk}/delete/", {"post": "yes"})
    assert told(Action.FACTOR_REMOVED) == [(boss, me)]
    assert told(Action.SESSION_ENDED)[1:] == [(boss, me)]


def test_a_wrong_code_is_told(ada: User, client: Client) -> None:
    protect(ada)
    sign_in(client)
    client.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert told(Action.FACTOR_FAILED) == [("", f"user-{ada.pk}")]
    assert not noted(Action.SIGNED_IN)


def told(action: str) -> list[tuple[str, str]]:
    """(who, to what) of the entries of one kind."""
    return [(entry.actor_ref, entry.subject_ref) for entry in noted(action)]


def test_shares_exports_and_deletions_are_told_without_content(
    ada: User, ask: Ask, client: Client
) -> None:
    conversation = ask("What of plaintiff-7f3a?").conversation
    client.force_login(ada)
    client.post(f"/c/{conversation.pk}/share/", {"days": "7"})
    share = Share.objects.get()
    client.post(reverse("chat:revoke_share", args=[share.pk]))
    client.post(reverse("chat:revoke_share", args=[share.pk]))
    client.get(f"/c/{conversation.pk}/export.json")
    client.get(reverse("chat:export_all"))
    client.post(f"/c/{conversation.pk}/delete/")
    me, talk = f"user-{ada.pk}", f"conversation-{conversation.pk}"
    assert told(Action.SHARE_MADE) == [(me, f"share-{share.pk}")]
    assert told(Action.SHARE_ENDED) == [(me, f"share-{share.pk}")]
    assert told(Action.EXPORTED) == [(me, talk), (me, me)]
    assert told(Action.CHAT_DELETED) == [(me, talk)]
    kept = str(list(AuditEntry.objects.values()))
    assert "plaintiff" not in kept
    assert share.token not in kept


def test_keys_are_told_without_the_secret(ada: User) -> None:
    secret = "sk-or-v1-0123456789abcdef-of-ada"
    key = connect_own(user=ada, secret=secret)
    disconnect_own(user=ada)
    assert [entry.subject_ref for entry in noted(Action.KEY_KEPT)] == [f"key-{key.pk}"]
    assert [entry.subject_ref for entry in noted(Action.KEY_GIVEN_UP)] == [f"key-{key.pk}"]
    assert secret not in str(list(AuditEntry.objects.values()))


def test_budgets_are_told_with_what_they_allow(ada: User, root: User, client: Client) -> None:
    client.force_login(root)
    form = {"user": ada.pk, "per_month_usd": "7.50"}
    assert client.post("/admin/billing/budget/add/", form).status_code == 302
    budget = Budget.objects.get()
    page = f"/admin/billing/budget/{budget.pk}"
    client.post(f"{page}/change/", {"user": ada.pk, "per_month_usd": "9"})
    chosen = {"action": "delete_selected", "_selected_action": [budget.pk], "post": "yes"}
    client.post("/admin/billing/budget/", chosen)
    entries = noted(Action.BUDGET_CHANGED)
    assert [entry.detail["done"] for entry in entries] == ["added", "changed", "deleted"]
    assert [entry.actor_ref for entry in entries] == [f"user-{root.pk}"] * 3
    assert entries[1].detail["of"] == f"user-{ada.pk}"
    assert entries[1].detail["per month"] == "9"


def test_a_policy_that_is_put_to_work_is_told(root: User, client: Client) -> None:
    draft = PolicyVersion.objects.create(name="thrifty", number=7)
    client.force_login(root)
    client.post(f"/admin/routing/policyversion/{draft.pk}/work/live/")
    (entry,) = noted(Action.POLICY_MOVED)
    assert entry.actor_ref == f"user-{root.pk}"
    assert entry.detail == {"policy": "thrifty@7", "now": "live", "for": "everybody"}
