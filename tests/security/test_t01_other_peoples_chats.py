"""T1: what is another's does not exist, for a second person, an administrator and a stranger.

Every address of the resolver is tried as each of them, by every method (matrix.py). The socket's
half is in test_t02_other_peoples_streams.py.
"""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from pytest_django import Settings

from accounts.models import User
from chat.models import Conversation, Folder, Message
from config.urls import urlpatterns as ours
from tests.security.matrix import (
    ALL,
    FOR_STRANGERS,
    SECRET,
    WITH_ID,
    WITHOUT_ID,
    Belongings,
    addresses,
    everything,
    is_refused,
    leaks,
    tries,
)

PEOPLE = ["eve", "root", "nobody"]


def sign_in(client: Client, who: str, request: pytest.FixtureRequest) -> bool:
    if who != "nobody":
        client.force_login(request.getfixturevalue(who))
    return who != "nobody"


def test_t01_the_resolver_is_walked() -> None:
    assert len(WITH_ID) > 25
    assert {it.name for it in ALL} > {"chat:home", "chat:send_to", "keys:connect", "usage:own"}


@pytest.mark.parametrize("who", PEOPLE)
def test_t01_what_is_anothers_does_not_exist(
    who: str, hers: Belongings, client: Client, request: pytest.FixtureRequest
) -> None:
    """An administrator is no exception: the pages of a person are that person's."""
    signed_in = sign_in(client, who, request)
    found = [leak for it in WITH_ID for leak in leaks(it, hers, client, signed_in=signed_in)]
    assert not found


def test_t01_without_an_id_a_stranger_is_told_nothing(hers: Belongings, client: Client) -> None:
    """Our own pages send to sign in; those that sign in show nothing of anybody."""
    before = everything()
    for address in WITHOUT_ID:
        is_open = address.route.startswith("accounts/") or address.name in FOR_STRANGERS
        for told, attempt in tries(f"/{address.route}"):
            answer = attempt(client)
            assert SECRET.encode() not in b"".join(answer)
            good = is_open and answer.status_code < 500
            assert good or is_refused(answer, signed_in=False), (told, answer.status_code)
    assert everything() == before


async def whole(answer: Any) -> bytes:
    return b"".join([piece async for piece in answer.streaming_content])


@pytest.mark.parametrize("who", ["eve", "root"])
def test_t01_without_an_id_nobody_is_told_of_anothers(
    who: str, hers: Belongings, client: Client, request: pytest.FixtureRequest
) -> None:
    sign_in(client, who, request)
    query = {"q": SECRET, "which": hers["folders/"][0], "edit": hers["library/prompts/"][0]}
    query |= {"open": hers["c/"][0], "page": "1", "user": "1", "user_ref": "1", "from": "1"}
    for address in WITHOUT_ID:
        answer = client.get(f"/{address.route}", query)
        body = async_to_sync(whole)(answer) if answer.streaming else answer.content
        told = body.replace(f"Nothing has “{SECRET}” in it".encode(), b"")
        told = told.replace(f'value="{SECRET}"'.encode(), b"")
        assert SECRET.encode() not in told, address.name


ID_FIELDS = [
    ("chat:send", "file", "files/"),
    ("chat:preview", "file", "files/"),
    ("chat:prompts", "edit", "library/prompts/"),
]


@pytest.mark.parametrize(("name", "field", "kind"), ID_FIELDS)
def test_t01_an_id_in_a_form_is_looked_at_as_one_in_an_address(
    name: str, field: str, kind: str, hers: Belongings, eve: User, client: Client
) -> None:
    client.force_login(eve)
    route = next(it.route for it in ALL if it.name == name)
    answer = client.post(f"/{route}", {"prompt": "x", "name": "x", "text": "x", field: hers[kind]})
    assert 400 <= answer.status_code < 500
    assert SECRET not in answer.content.decode()


def test_t01_nothing_of_hers_is_kept_in_a_folder_of_anothers(
    hers: Belongings, eve: User, client: Client
) -> None:
    mine = Conversation.objects.create(user=eve, title="mine", choice="")
    client.force_login(eve)
    folder = hers["folders/"][0]
    assert client.post(f"/c/{mine.pk}/move/", {"folder": folder}).status_code == 404
    assert not Folder.objects.get(pk=folder).conversations.exists()


# --- The matrix itself: a view without a guard makes it fail ---


def reads(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse(Message.objects.get(pk=pk).text)


def reads_for_htmx(request: HttpRequest, pk: int) -> HttpResponse:
    """Shut for a page, open for a fragment."""
    text = Message.objects.get(pk=pk).text if "HX-Request" in request.headers else ""
    return HttpResponse(text, status=200 if text else 404)


def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """Says that there is nothing, and does it all the same."""
    Message.objects.filter(pk=pk).update(text="gone")
    return HttpResponse(status=404)


def confirms(request: HttpRequest, pk: int) -> HttpResponse:
    """Tells no word of hers, but that there is such a thing."""
    return HttpResponse(status=204)


def new_kind(request: HttpRequest, pk: int) -> HttpResponse:
    return HttpResponse(status=404)


urlpatterns = [
    path("m/<int:pk>/reads/", reads, name="reads"),
    path("m/<int:pk>/htmx/", reads_for_htmx, name="reads_for_htmx"),
    path("m/<int:pk>/changes/", changes, name="changes"),
    path("m/<int:pk>/confirms/", confirms, name="confirms"),
    path("things/<int:pk>/", new_kind, name="new_kind"),
    path("m/<int:pk>/of/<int:other>/", new_kind, name="second_id"),
    *ours,
]


UNKNOWN = {"new_kind": "add one of ada's", "second_id": "takes a second id"}


@pytest.mark.parametrize(
    "name", ["reads", "reads_for_htmx", "changes", "confirms", "new_kind", "second_id"]
)
@pytest.mark.parametrize("who", PEOPLE)
def test_t01_a_view_that_asks_for_no_owner_makes_the_matrix_fail(
    name: str,
    who: str,
    hers: Belongings,
    client: Client,
    settings: Settings,
    request: pytest.FixtureRequest,
) -> None:
    settings.ROOT_URLCONF = __name__
    added = [it for it in addresses() if it not in ALL]
    assert len(added) == 6
    signed_in = sign_in(client, who, request)
    address = next(it for it in added if it.name == name)
    if name in UNKNOWN:
        with pytest.raises(AssertionError, match=UNKNOWN[name]):
            leaks(address, hers, client, signed_in=signed_in)
    else:
        assert leaks(address, hers, client, signed_in=signed_in)
