"""Every address of the project, and one of everything of ada's to try them with.

The addresses come from the resolver, not from a list: a new view that takes an id and asks for no
owner makes T1 fail, and so does one that takes an id of which there is none of hers here (add one
to `belongings`). What is under admin/ has a matrix of its own (test_t11_admin_matrix.py).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import User
from chat.attachments import attach
from chat.drafts import Draft
from chat.models import Conversation, Message, SavedPrompt, State
from chat.organise import create_folder
from chat.settlement import Timing, settle_reply
from chat.sharing import share
from openrouter.events import Finished, TextDelta
from tests.chat.conftest import Ask

SECRET = "plaintiff-7f3a"  # stands in everything of ada's
TOKENS = {  # addresses whose id is itself the right, which whoever was given it has
    "chat:shared": "a link to read, made by its owner",
    "chat:shared_picture": "a picture on the page of such a link",
    "account_confirm_email": "sent to the address that it confirms",
    "account_invitation": "sent to whom it invites",
    "account_reset_password_from_key": "sent to the person whose password it sets",
    **dict.fromkeys(
        ("sso_begin", "sso_callback", "openid_connect_login", "openid_connect_callback"),
        "names the provider, which is the same for all",
    ),
}
FOR_STRANGERS = {  # pages of ours that do not ask who one is
    "keys:callback": "goes on to our page, which asks to sign in",
    "chat:diagram": "an empty frame that draws what its page hands to it",
}
# Rows and columns that say what was seen, and not what somebody has.
UNCOUNTED = {
    "sessions.session",
    "admin.logentry",
    "accounts.auditentry",
    "accounts.auditorigin",
    "usersessions.usersession",
}
SEEN = {"last_login"}
NOBODYS_ID = "00000000-0000-4000-8000-000000000000"
NOBODYS = {"contenttypes", "auth", "sites"}  # apps whose rows are made by migrations


@dataclass(frozen=True)
class Address:
    """A pattern, as `files/<uuid:pk>/`, and its name."""

    route: str
    name: str

    @property
    def has_id(self) -> bool:
        return "<" in self.route

    @property
    def beginning(self) -> str:
        return self.route.split("<")[0]


def addresses() -> list[Address]:
    """All of them but the admin's, by name."""
    return sorted(_below(get_resolver(), "", ""), key=lambda it: it.name)


def _below(resolver: URLResolver, prefix: str, space: str) -> Iterator[Address]:
    for entry in resolver.url_patterns:
        route = prefix + _readable(str(entry.pattern))
        if route.startswith("admin/"):
            continue
        if isinstance(entry, URLPattern):
            yield Address(route, f"{space}{entry.name}")
        else:
            deeper = f"{space}{entry.namespace}:" if entry.namespace else space
            yield from _below(entry, route, deeper)


def _readable(pattern: str) -> str:
    """A regular expression as a path is written: `^key/(?P<key>[-:\\w]+)/$` → `key/<key>/`."""
    if "(?P<" not in pattern and not pattern.startswith("^"):
        return pattern
    return re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", pattern.lstrip("^").rstrip("$"))


ALL = addresses()
WITH_ID = [it for it in ALL if it.has_id and it.name not in TOKENS]
WITHOUT_ID = [it for it in ALL if not it.has_id]

Belongings = dict[str, list[str]]


def belongings(ask: Ask, ada: User) -> Belongings:
    """One of everything of ada's; and for each beginning of an address, what ids fit there."""
    upload = SimpleUploadedFile(f"{SECRET}.txt", SECRET.encode())
    attached = attach(user=ada, upload=upload)
    talk = _answered(ask)
    folder = create_folder(ada, SECRET)
    prompt = SavedPrompt.objects.create(user=ada, name=SECRET, text=SECRET)
    link = share(talk, days="", shown_name="")
    running = ask("Another?")
    assert running.reply.is_running
    messages = [str(m.pk) for m in Message.objects.filter(conversation__user=ada)]
    return {
        "c/": [str(talk.pk), str(running.conversation.pk)],
        "m/": messages,
        "files/": [str(attached.pk)],
        "folders/": [str(folder.pk)],
        "library/shared/": [str(link.pk)],
        "library/prompts/": [str(prompt.pk)],
        **_ways_in(ada),
    }


def _ways_in(ada: User) -> Belongings:
    """A session and a passkey, which say SECRET where a person could read it."""
    session = UserSession.objects.create(
        user=ada, ip="192.0.2.7", user_agent=SECRET, session_key=SECRET
    )
    passkey = Authenticator.objects.create(
        user=ada, type=Authenticator.Type.WEBAUTHN, data={"name": SECRET, "credential": {}}
    )
    return {
        "accounts/sessions/": [str(session.pk)],
        "accounts/2fa/webauthn/keys/": [str(passkey.pk)],
    }


def _answered(ask: Ask) -> Conversation:
    """A conversation with an answer, SECRET in all of it."""
    turn = ask(f"What of {SECRET}?")
    draft = Draft()
    for event in (TextDelta(f"It is {SECRET}"), Finished("stop")):
        draft.apply(event)
    settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=draft,
        state=State.DONE,
        timing=Timing(first_token_ms=10, duration_ms=100),
    )
    Conversation.objects.filter(pk=turn.conversation.pk).update(title=SECRET, system_prompt=SECRET)
    turn.conversation.refresh_from_db()
    return turn.conversation


def filled(address: Address, hers: Belongings) -> list[str]:
    """The address with each id of hers that fits; a token is one that nobody was given."""
    if not address.has_id:
        return [f"/{address.route}"]
    if address.name in TOKENS:
        some = re.sub(r"<uuid:[^>]*>", NOBODYS_ID, address.route)
        return ["/" + re.sub(r"<[^>]*>", "x1", some)]
    assert address.beginning in hers, (
        f"{address.name} takes an id of a kind that is new: add one of ada's to "
        "tests/security/matrix.py"
    )
    rest = address.route.split(">", 1)[1].replace("<str:value>", "up")
    assert "<" not in rest, f"{address.name} takes a second id: say here what it is"
    return [f"/{address.beginning}{key}{rest}" for key in hers[address.beginning]]


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of what people have, to see that nothing of it was changed."""
    kept = {}
    for model in apps.get_models():
        name = model._meta.label_lower
        if name not in UNCOUNTED and model._meta.app_label not in NOBODYS:
            columns = [it.attname for it in model._meta.concrete_fields if it.name not in SEEN]
            kept[name] = list(model._default_manager.order_by("pk").values(*columns))
    return kept


FORM = {"prompt": "mine now", "title": "x", "name": "x", "text": "x", "verdict": "a"}
BY_HTMX = {"HX-Request": "true"}


def tries(url: str) -> Iterator[tuple[str, Callable[[Client], Any]]]:
    """Each way to ask for an address, with words for it."""
    yield f"GET {url}", lambda it: it.get(url)
    yield f"HEAD {url}", lambda it: it.head(url)
    yield f"GET {url} by htmx", lambda it: it.get(url, headers=BY_HTMX)
    yield f"POST {url}", lambda it: it.post(url, FORM)
    yield f"POST {url} by htmx", lambda it: it.post(url, FORM, headers=BY_HTMX)
    yield f"PUT {url}", lambda it: it.put(url)
    yield f"PATCH {url}", lambda it: it.patch(url)
    yield f"DELETE {url}", lambda it: it.delete(url)


def is_refused(answer: Any, *, signed_in: bool) -> bool:
    """Not there, not allowed or sent to sign in; and nothing of ada's in it."""
    body = b"" if answer.streaming else answer.content
    if SECRET.encode() in body or SECRET in str(answer.headers):
        return False
    if answer.status_code in (403, 404, 405):
        return True
    login = answer.headers.get("Location", "").startswith("/accounts/login/")
    return answer.status_code == 302 and login and not signed_in


def leaks(address: Address, hers: Belongings, client: Client, *, signed_in: bool) -> list[str]:
    """What an address gives away of hers, whichever way it is asked for; empty: it is shut."""
    before = everything()
    found = []
    for url in filled(address, hers):
        for told, attempt in tries(url):
            answer = attempt(client)
            if not is_refused(answer, signed_in=signed_in):
                found.append(f"{told}: {answer.status_code}")
    if everything() != before:
        found.append(f"{address.name} changed what is ada's")
    return found
