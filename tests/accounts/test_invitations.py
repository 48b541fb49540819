"""Invitations: a link that makes one account, once, for whom it is meant."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.core import mail as outbox
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.invitations import CannotInvite, CannotUse, claim, invite, path_of
from accounts.models import Action, AuditEntry, Invitation, User
from tests.accounts.people import noted

pytestmark = pytest.mark.django_db
PASSWORD = "a-l0ng-Enough-one"


@pytest.fixture(autouse=True)
def _by_invitation(settings: Settings) -> None:
    settings.SIGN_UP = "invitation"


def form(name: str = "bea", email: str = "bea@example.org", **more: Any) -> dict[str, Any]:
    return {"username": name, "email": email, "password1": PASSWORD, "password2": PASSWORD, **more}


def test_a_link_makes_an_account_in_its_groups_and_signs_in(root: User, client: Client) -> None:
    law = Group.objects.create(name="Law")
    invitation, token = invite(by=root, groups=[law])
    page = client.get(path_of(token))
    assert b"<strong>root</strong> invites you" in page.content
    assert client.post(path_of(token), form()).status_code == 302
    bea = User.objects.get(username="bea")
    assert list(bea.groups.all()) == [law]
    assert client.session["_auth_user_id"] == str(bea.pk)
    invitation.refresh_from_db()
    assert invitation.used_by == bea
    assert [entry.actor_ref for entry in noted(Action.INVITED)] == ["server"]
    assert [entry.actor_ref for entry in noted(Action.INVITATION_USED)] == [f"user-{bea.pk}"]


def test_it_works_once(root: User, client: Client) -> None:
    _, token = invite(by=root)
    client.post(path_of(token), form())
    for answer in (Client().get(path_of(token)), Client().post(path_of(token), form("second"))):
        assert answer.status_code == 410
        assert b"was used already" in answer.content
    assert not User.objects.filter(username="second").exists()


def test_the_token_is_kept_nowhere(root: User) -> None:
    invitation, token = invite(by=root)
    kept = str(list(Invitation.objects.values())) + str(list(AuditEntry.objects.values()))
    assert token not in kept
    assert len(invitation.token_hash) == 64


def test_one_that_ended_says_so(root: User, client: Client) -> None:
    expired, old = invite(by=root)
    Invitation.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    taken, back = invite(by=root)
    Invitation.objects.filter(pk=taken.pk).update(ended_at=timezone.now())
    for token, words, status in (
        (old, b"This invitation ended on", 410),
        (back, b"was taken back", 410),
        ("guessed", b"There is no such invitation", 404),
        ("x" * 3000, b"There is no such invitation", 404),
    ):
        for answer in (client.get(path_of(token)), client.post(path_of(token), form())):
            assert answer.status_code == status
            assert words in answer.content
    assert not User.objects.filter(username="bea").exists()


def test_it_is_for_its_address(root: User, client: Client) -> None:
    _, token = invite(by=root, email="Bea@example.org")
    assert b'value="Bea@example.org"' in client.get(path_of(token)).content
    answer = client.post(path_of(token), form(email="eve@example.org"))
    assert b"This invitation is for another address" in answer.content
    assert not User.objects.filter(username="bea").exists()
    assert client.post(path_of(token), form(email="bea@example.org")).status_code == 302


def test_a_form_with_a_fault_uses_nothing_up(root: User, client: Client) -> None:
    _, token = invite(by=root)
    client.post(path_of(token), form("root"))
    client.post(path_of(token), form(password1="1", password2="1"))
    assert Invitation.objects.open().count() == 1


def test_who_is_signed_in_is_told_to_sign_out(ada: User, root: User, client: Client) -> None:
    _, token = invite(by=root)
    client.force_login(ada)
    for answer in (client.get(path_of(token)), client.post(path_of(token), form())):
        assert answer.status_code == 409
        assert b"an invitation is for a new account" in answer.content
    assert Invitation.objects.open().count() == 1


def test_a_mailed_link_confirms_its_address(root: User, client: Client, settings: Settings) -> None:
    settings.SIGN_UP, settings.ACCOUNT_EMAIL_VERIFICATION = "open", "mandatory"
    call_command("invite", "bea@example.org", "--mail")
    (message,) = outbox.outbox
    assert message.to == ["bea@example.org"]
    link = re.search(r"https?://\S+", str(message.body).partition("makes your account")[2])
    assert link
    path = link[0].removeprefix(settings.SITE_URL)
    assert client.post(path, form()).status_code == 302
    bea = User.objects.get(username="bea")
    assert client.session["_auth_user_id"] == str(bea.pk)  # asked for no confirmation


def test_a_link_that_was_not_mailed_confirms_none(
    root: User, client: Client, settings: Settings
) -> None:
    settings.SIGN_UP, settings.ACCOUNT_EMAIL_VERIFICATION = "open", "mandatory"
    _, token = invite(by=root, email="bea@example.org")
    client.post(path_of(token), form())
    assert "_auth_user_id" not in client.session
    assert len(outbox.outbox) == 1


def test_an_address_that_has_an_account_uses_nothing_up_and_tells_nothing(
    ada: User, root: User, client: Client, settings: Settings
) -> None:
    User.objects.filter(pk=ada.pk).update(email="ada@example.org")
    settings.SIGN_UP, settings.ACCOUNT_EMAIL_VERIFICATION = "open", "mandatory"
    _, token = invite(by=root)
    answer = client.post(path_of(token), form(email="ada@example.org"))
    assert answer.headers["Location"] == "/accounts/confirm-email/"
    assert not User.objects.filter(username="bea").exists()
    assert Invitation.objects.open().count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_gets_it(root: User) -> None:
    """Two transactions that both found it open: the second sees that it is gone."""
    invitation, _ = invite(by=root)
    again = Invitation.objects.get(pk=invitation.pk)
    start, results = threading.Barrier(2), []

    def use(mine: Invitation) -> None:
        start.wait()
        try:
            claim(mine)
            results.append("got it")
        except CannotUse as error:
            results.append(error.for_person[:30])
        finally:
            connection.close()

    threads = [threading.Thread(target=use, args=[it]) for it in (invitation, again)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["This invitation was used alrea", "got it"]


def test_where_sign_up_is_off_nobody_is_invited(
    root: User, client: Client, settings: Settings
) -> None:
    _, token = invite(by=root)
    settings.SIGN_UP = "off"
    with pytest.raises(CannotInvite):
        invite(by=root)
    with pytest.raises(CommandError, match="SIGN_UP is off"):
        call_command("invite", "bea@example.org")
    answer = client.post(path_of(token), form())
    assert answer.status_code == 410
    assert not User.objects.filter(username="bea").exists()


def test_the_command_prints_a_link(
    root: User, client: Client, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    Group.objects.create(name="Law")
    call_command("invite", "bea@example.org", "--group", "Law", "--days", "2")
    link = capsys.readouterr().out.strip()
    assert link.startswith(f"{settings.SITE_URL}/accounts/invitation/")
    assert client.get(link.removeprefix(settings.SITE_URL)).status_code == 200
    invitation = Invitation.objects.get()
    assert invitation.expires_at - timezone.now() < dt.timedelta(days=2)
    assert [group.name for group in invitation.groups.all()] == ["Law"]
    assert not outbox.outbox


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("no e-mail address", ["nonsense"]),
        ("There is no group “Lore”", ["bea@example.org", "--group", "Lore"]),
        ("from 1 to 365 days", ["--days", "0"]),
        ("to which address", ["--mail"]),
    ],
)
def test_the_command_says_what_is_wrong(words: str, arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("invite", *arguments)
    assert not Invitation.objects.exists()


# --- In the admin


ADD = "/admin/accounts/invitation/add/"


def clerk() -> User:
    """May invite, and has no other right."""
    user = User.objects.create_user("clerk", password="engine", is_staff=True)
    names = ["add_invitation", "view_invitation"]
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return user


def link_in(content: bytes) -> str:
    found = re.search(r'value="http://testserver(/accounts/invitation/[^"]+)"', content.decode())
    assert found
    return found[1]


def test_an_administrator_makes_one_and_sees_the_link_once(root: User, client: Client) -> None:
    law = Group.objects.create(name="Law")
    client.force_login(root)
    answer = client.post(ADD, {"email": "", "groups": [law.pk], "days": "3"})
    link = link_in(answer.content)
    invitation = Invitation.objects.get()
    assert invitation.invited_by == root
    for page in ("", f"{invitation.pk}/change/"):
        assert link not in client.get(f"/admin/accounts/invitation/{page}").content.decode()
    Client().post(link, form())
    assert list(User.objects.get(username="bea").groups.all()) == [law]


def test_an_administrator_sends_one(root: User, client: Client) -> None:
    client.force_login(root)
    answer = client.post(ADD, {"email": "bea@example.org", "send": "on", "days": "3"})
    (message,) = outbox.outbox
    assert link_in(answer.content) in message.body
    assert "root invites you" in message.body


def test_staff_without_superuser_rights_invite_into_no_group(client: Client) -> None:
    """A group may give rights: T9."""
    rulers = Group.objects.create(name="Rulers")
    rulers.permissions.set(Permission.objects.all())
    client.force_login(clerk())
    assert b'name="groups"' not in client.get(ADD).content
    answer = client.post(ADD, {"email": "", "groups": [rulers.pk], "days": "3"})
    Client().post(link_in(answer.content), form(is_staff="on", is_superuser="on"))
    bea = User.objects.get(username="bea")
    assert not bea.groups.exists()
    assert (bea.is_staff, bea.is_superuser) == (False, False)


def test_who_may_only_look_makes_none(client: Client) -> None:
    user = User.objects.create_user("looker", password="engine", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_invitation"))
    client.force_login(user)
    assert client.post(ADD, {"email": "", "days": "3"}).status_code == 403
    assert not Invitation.objects.exists()


def test_one_is_taken_back(root: User, client: Client) -> None:
    invitation, token = invite(by=root)
    client.force_login(root)
    chosen = {"action": "end", "_selected_action": [invitation.pk]}
    client.post("/admin/accounts/invitation/", chosen)
    assert Client().get(path_of(token)).status_code == 410
    assert [entry.actor_ref for entry in noted(Action.INVITATION_ENDED)] == [f"user-{root.pk}"]
