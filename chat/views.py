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
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_POST

from billing.budgets import allowance_of
from billing.services import conversation_total
from chat import fragments
from chat.errors import CannotSend, Malformed
from chat.forms import SendForm
from chat.fragments import LiveRegion
from chat.live import settled_and_live, stored_views
from chat.models import AUTO, Conversation, Message
from chat.relay import Change
from chat.runner import runner
from chat.services import Turn, branch_with_books, retry, send
from routing.services import NoCandidateFits, pickable_models

SIDEBAR = 100  # conversations on the page


@login_required
@require_GET
def home(request: HttpRequest) -> HttpResponse:
    """A new, empty conversation, which begins to exist with its first prompt."""
    return render(request, "chat/page.html", _page(request, None))


@login_required
@require_GET
def conversation(request: HttpRequest, pk: UUID) -> HttpResponse:
    shown = get_object_or_404(Conversation.objects.owned_by(request.user), pk=pk)
    return render(request, "chat/page.html", _page(request, shown))


@login_required
@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """The options of the model picker, fetched when it is first opened."""
    context = {"models": pickable_models(), "choice": request.GET.get("model", AUTO)}
    return render(request, "chat/_model_options.html", context)


@login_required
@require_POST
def send_prompt(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Begin a turn, in conversation `pk` or in a new one."""
    mine = Conversation.objects.owned_by(request.user)
    where = get_object_or_404(mine, pk=pk) if pk else None
    form = SendForm(request.POST)
    if not form.is_valid():
        return _refuse(request, Malformed(form.reason()), where=where)
    try:
        runner.require_room()
        turn = send(user=_person(request), conversation=where, owner=runner.owner, **form.wanted())
    except (CannotSend, NoCandidateFits) as error:
        return _refuse(request, error, where=where)
    return _answer(request, turn, fragments.turn(turn.messages, after=turn.after), new=not where)


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
            user=_person(request), failed=failed, choice=choice, nonce=nonce, owner=runner.owner
        )
    except (CannotSend, NoCandidateFits) as error:
        return _refuse(request, error, where=failed.conversation)
    return _answer(request, turn, fragments.retried(turn.reply, replaces=pk), new=False)


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


def _person(request: HttpRequest) -> AbstractBaseUser:
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


def _answer(request: HttpRequest, turn: Turn, frame: str, *, new: bool) -> HttpResponse:
    """Start the task, and show the turn: here, and on every other tab by the same frame."""
    if turn.job:
        change = Change(turn.kind, turn.conversation.pk, turn.reply.pk, turn.after)
        runner.start(turn.job, change, frame)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(turn.conversation)
    if not new:
        return HttpResponse(frame)
    response = render(request, "chat/_opened.html", _page(request, turn.conversation))
    response["HX-Push-Url"] = turn.conversation.get_absolute_url()
    return response


def _refuse(
    request: HttpRequest, error: CannotSend | NoCandidateFits, *, where: Conversation | None
) -> HttpResponse:
    """Say why nothing was sent. The text stays in the composer, with or without JavaScript."""
    reason = error.message if isinstance(error, NoCandidateFits) else error.for_person
    status = 400 if isinstance(error, NoCandidateFits) else error.status
    if request.htmx:  # type: ignore[attr-defined]
        context = {"text": reason, "oob": True}
        return render(request, "chat/_notice.html", context, status=status)
    context = _page(request, where) | {"draft": request.POST.get("prompt", ""), "notice": reason}
    return render(request, "chat/page.html", context, status=status)


def _page(request: HttpRequest, shown: Conversation | None) -> dict[str, Any]:
    messages = branch_with_books(shown) if shown else []
    settled, live = settled_and_live(messages)
    last_pk = messages[-1].pk if messages else 0
    return {
        "conversations": Conversation.objects.owned_by(request.user)[:SIDEBAR],
        "conversation": shown,
        "messages": settled,
        "live_html": mark_safe(LiveRegion(live, last_pk).fill(stored_views(live).values())),  # noqa: S308 (drawn by our own templates)
        "total": conversation_total(conversation_ref=str(shown.pk)) if shown else None,
        "budget": allowance_of(request.user),
        "choice": shown.choice if shown else AUTO,
        "nonce": uuid.uuid4().hex,
        "max_prompt_chars": settings.MAX_PROMPT_CHARS,
    }
