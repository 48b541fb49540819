"""T3, over HTTP: the next request knows that a right is gone. The socket's half is beside it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Group, Permission
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import User
from chat.rights import rights
from tests.chat.conftest import Ask
from tests.chat.test_consumers import tab
from tests.security.test_t03_lost_rights import watching


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User) -> None:
    user.set_password("another")
    user.save()


def sign_out_everywhere(user: User) -> None:
    Session.objects.all().delete()


def delete_account(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False, password="!")


@pytest.mark.parametrize("lose", [deactivate, change_password, sign_out_everywhere, delete_account])
def test_t03_who_has_lost_it_is_sent_to_sign_in(
    ask: Ask, ada: User, client: Client, lose: Callable[[User], None]
) -> None:
    turn = ask()
    client.force_login(ada)
    urls = ("/", f"/c/{turn.conversation.pk}/", f"/c/{turn.conversation.pk}/export.json")
    assert [client.get(url).status_code for url in urls] == [200, 200, 200]
    lose(ada)
    for url in urls:
        assert client.get(url).headers["Location"].startswith("/accounts/login/")
    answer = client.post(f"/m/{turn.reply.pk}/stop/")
    assert answer.headers["Location"].startswith("/accounts/login/")


def test_t03_who_is_no_administrator_any_more_has_no_admin(root: User, client: Client) -> None:
    client.force_login(root)
    assert client.get("/admin/billing/usagerecord/").status_code == 200
    User.objects.filter(pk=root.pk).update(is_staff=False, is_superuser=False)
    assert client.get("/admin/billing/usagerecord/").status_code in (302, 403)


def test_t03_who_leaves_a_group_loses_what_it_gave(ada: User, client: Client) -> None:
    group = Group.objects.create(name="readers of the books")
    group.permissions.add(Permission.objects.get(codename="view_usagerecord"))
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    ada.groups.add(group)
    client.force_login(ada)
    assert client.get("/admin/billing/usagerecord/").status_code == 200
    ada.groups.clear()
    assert client.get("/admin/billing/usagerecord/").status_code == 403


def promote(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=True, is_superuser=True)


def demote(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_staff=False)


def leave_a_group(user: User) -> None:
    user.groups.remove(Group.objects.get(name="one"))


def change_groups(user: User) -> None:
    user.groups.set([Group.objects.create(name="three")])


@pytest.mark.parametrize("change", [promote, demote, leave_a_group, change_groups])
async def test_t03_whose_role_changes_loses_the_socket_and_comes_again(
    ask: Ask, ada: User, change: Callable[[User], None]
) -> None:
    groups = [Group(name="one"), Group(name="two")]
    await sync_to_async(ada.groups.set)(await sync_to_async(Group.objects.bulk_create)(groups))
    await sync_to_async(User.objects.filter(pk=ada.pk).update)(is_staff=True)
    communicator, turn = await watching(ask, ada)
    await rights.look()
    assert await communicator.receive_nothing()
    await sync_to_async(change)(ada)
    await rights.look()
    assert (await communicator.receive_output())["code"] == 4012
    again = tab(ada, turn.conversation.pk)
    await again.connect()
    assert 'id="live"' in await again.receive_from()
    await again.disconnect()
