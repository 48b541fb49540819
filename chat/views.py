"""Pages and commands. A command answers htmx with fragments, and a plain form with a redirect."""

from __future__ import annotations

import uuid
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_POST

from billing.budgets import allowance_of
from billing.key_users import ensure_key
from billing.services import conversation_total
from chat import fragments
from chat.attachments import as_json, attach, require_few, taken
from chat.errors import CannotSend, Malformed
from chat.forms import SendForm
from chat.fragments import LiveRegion
from chat.live import settled_and_live, stored_views, tip
from chat.models import AUTO, Conversation, Message
from chat.organise import sidebar_of
from chat.relay import Change
from chat.runner import runner
from chat.services import Turn, retry, send
from chat.shown import ALL, NEWEST, Branch, Stretch
from chat.wishes import Wishes
from routing.policy_shelf import policy_for
from routing.services import NoCandidateFits

NEW_WISHES = "wishes"  # in the session: those of the next new conversation


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """A new, empty conversation, which begins to exist with its first prompt."""
    return _shown(request, None)


@login_required
@require_GET
def conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    return _shown(request, get_object_or_404(Conversation.objects.owned_by(request.user), pk=pk))


def _shown(request: HttpRequest, shown: Conversation | None) -> HttpResponse:
    """A page, or for one that is open already (navigation.js) the conversation alone."""
    htmx = request.htmx  # type: ignore[attr-defined]
    template = "chat/_moved.html" if htmx and htmx.target == "main" else "chat/page.html"
    response = render(request, template, page_of(request, shown))
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


@login_required
@require_GET
def earlier(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The messages before `before`, which a page begins with; all of them where `all` is asked.

    204 where that message is no longer on show: the page is about to be told.
    """
    shown = get_object_or_404(Conversation.objects.owned_by(request.user), pk=pk)
    most = ALL if "all" in request.GET else NEWEST
    stretch = Branch(shown).before(_key(request.GET.get("before", "")), most)
    if stretch is None:
        return HttpResponse(status=204)
    drawn = "".join(fragments.message(message) for message in stretch.messages)
    return HttpResponse(fragments.earlier(shown, stretch) + drawn)


def _key(text: str) -> int:
    """A message's key as an address names it; 0 where it is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@login_required
@require_POST
def send_prompt(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Begin a turn, in conversation `pk` or in a new one."""
    mine = Conversation.objects.owned_by(request.user)
    where = get_object_or_404(mine, pk=pk) if pk else None
    form = SendForm(request.POST)
    if not form.is_valid():
        return refuse(request, Malformed(form.reason()), where=where)
    try:
        runner.require_room()
        ensure_key(person(request))
        wanted = form.wanted()
        if where is None:
            wanted["wishes"] = request.session.get(NEW_WISHES, {}) | wanted["wishes"]
        wanted["files"] = attached_to(request)
        turn = send(user=person(request), conversation=where, owner=runner.owner, **wanted)
    except (CannotSend, NoCandidateFits) as error:
        return refuse(request, error, where=where)
    if where is None:
        request.session.pop(NEW_WISHES, None)
    return answer(request, turn, fragments.turn(turn.messages, after=turn.after), new=not where)


@login_required
@require_POST
def retry_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask once more for a reply that did not end well."""
    failed = get_object_or_404(Message.objects.owned_by(request.user), pk=pk)
    nonce = request.POST.get("nonce", "")[:64] or uuid.uuid4().hex
    choice = request.POST.get("model")
    try:
        runner.require_room()
        turn = retry(
            user=person(request), failed=failed, choice=choice, nonce=nonce, owner=runner.owner
        )
    except (CannotSend, NoCandidateFits) as error:
        return refuse(request, error, where=failed.conversation)
    return answer(request, turn, fragments.retried(turn.reply, replaces=pk), new=False)


@login_required
@require_POST
def stop_reply(request: HttpRequest, pk: int) -> HttpResponse:
    """Stop a reply at once. Its settled message follows over the socket."""
    reply = get_object_or_404(Message.objects.owned_by(request.user).with_books(), pk=pk)
    if reply.is_running:
        runner.stop(reply)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(reply.conversation)
    if reply.is_running:
        return HttpResponse(status=204)
    return HttpResponse(fragments.message(reply, oob=True))


def attached_to(request: HttpRequest) -> list[dict[str, Any]]:
    """What hangs on a prompt: files that are here already, and (without JavaScript) new ones.

    Raises CannotAttach; then the prompt is not sent.
    """
    user = person(request)
    uploads = [file for file in request.FILES.getlist("upload") if file]
    known = request.POST.getlist("file")
    require_few(len(known) + len(uploads))
    new = [attach(user=user, upload=file) for file in uploads]
    ids = [*known, *(str(each.pk) for each in new)]
    return as_json(taken(user=user, ids=ids)) if ids else []


def person(request: HttpRequest) -> AbstractBaseUser:
    """Who is signed in: the views here let nobody else in."""
    return cast("AbstractBaseUser", request.user)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: a form too large to be read says so, where the page shows it."""
    if not isinstance(exception, RequestDataTooBig):
        return render(request, "400.html", status=400)
    if getattr(request, "htmx", False):
        reason = f"This is too much at once: at most {settings.MAX_PROMPT_CHARS:,} characters."
        return render(request, "chat/_notice.html", {"text": reason, "oob": True}, status=413)
    return render(request, "413.html", status=413)


def answer(request: HttpRequest, turn: Turn, frame: str, *, new: bool) -> HttpResponse:
    """Start the task, and show the turn: here, and on every other tab by the same frame."""
    if turn.job:
        change = Change(turn.kind, turn.conversation.pk, turn.reply.pk, turn.after)
        runner.start(turn.job, change, frame)
    if turn.rival_job:
        runner.start(turn.rival_job, Change("branch", turn.conversation.pk), "")
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(turn.conversation)
    if turn.kind == "branch" and not new:
        return HttpResponse(status=204)  # the socket shows it: two snapshots would race
    if not new:
        return HttpResponse(frame)
    response = render(request, "chat/_opened.html", page_of(request, turn.conversation))
    response["HX-Push-Url"] = turn.conversation.get_absolute_url()
    return response


def refuse(
    request: HttpRequest, error: CannotSend | NoCandidateFits, *, where: Conversation | None
) -> HttpResponse:
    """Say why nothing was sent. The text stays in the composer, with or without JavaScript."""
    reason = error.message if isinstance(error, NoCandidateFits) else error.for_person
    status = 400 if isinstance(error, NoCandidateFits) else error.status
    if request.htmx:  # type: ignore[attr-defined]
        context = {"text": reason, "oob": True}
        return render(request, "chat/_notice.html", context, status=status)
    context = page_of(request, where) | {"draft": request.POST.get("prompt", ""), "notice": reason}
    return render(request, "chat/page.html", context, status=status)


def page_of(request: HttpRequest, shown: Conversation | None) -> dict[str, Any]:
    from_pk = _key(request.GET.get("from", ""))
    stretch = Branch(shown).newest(from_pk) if shown else Stretch()
    settled, live = settled_and_live(stretch.messages)
    link = fragments.earlier(shown, stretch) if shown else ""
    region = LiveRegion(live, tip(stretch.messages), begins_with="" if settled else link)
    return {
        "sidebar": SimpleLazyObject(lambda: sidebar_of(request.user)),
        "conversation": shown,
        "earlier": link if settled else "",
        "messages": settled,
        "live_html": mark_safe(region.fill(stored_views(live).values())),  # noqa: S308  # nosec B308 # drawn by our own templates
        "total": conversation_total(conversation_ref=str(shown.pk)) if shown else None,
        "budget": allowance_of(request.user),
        "wishes": (wishes := _wishes(request, shown)),
        "dial": policy_for(person(request).pk).dial if wishes.dial is None else wishes.dial,
        "choice": shown.choice if shown else AUTO,
        "nonce": uuid.uuid4().hex,
        "max_prompt_chars": settings.MAX_PROMPT_CHARS,
        "max_attachments": settings.MAX_ATTACHMENTS,
    }


def _wishes(request: HttpRequest, shown: Conversation | None) -> Wishes:
    return Wishes.from_json(shown.wishes if shown else request.session.get(NEW_WISHES, {}))
