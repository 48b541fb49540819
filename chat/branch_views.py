"""Editing, asking again, switching branches, forking: forms that work without JavaScript, too."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from chat.branches import edit, fork, go_on, model_of, regenerate, show
from chat.errors import CannotSend
from chat.models import Conversation, Message
from chat.relay import Change
from chat.runner import runner
from chat.services import Turn
from chat.views import answer, person, refuse
from routing.services import NoCandidateFits, pickable_models

SAME = "same"  # the model that gave the answer; "" is Auto


def nonce_of(request: HttpRequest) -> str:
    return request.POST.get("nonce", "")[:64] or uuid.uuid4().hex


def mine(request: HttpRequest, pk: int) -> Message:
    messages = Message.objects.owned_by(request.user).select_related(
        "conversation", "call", "usage"
    )
    return get_object_or_404(messages, pk=pk)


def have_written(request: HttpRequest, beside: Message, begin: Callable[..., Turn]) -> HttpResponse:
    """Begin a reply beside another, by a function that takes who asks, a nonce and an owner."""
    try:
        runner.require_room()
        turn = begin(user=person(request), nonce=nonce_of(request), owner=runner.owner)
    except (CannotSend, NoCandidateFits) as error:
        return refuse(request, error, where=beside.conversation)
    return answer(request, turn, "", new=False)


@login_required
@require_http_methods(["GET", "POST"])
def edit_prompt(request: HttpRequest, pk: int) -> HttpResponse:
    """The form to edit a prompt in (where no script opens it in place), and what it sends."""
    prompt = mine(request, pk)
    if request.method == "GET":
        return render(request, "chat/edit.html", {"prompt": prompt, "nonce": uuid.uuid4().hex})
    text = request.POST.get("prompt", "").replace("\r\n", "\n")
    try:
        runner.require_room()
        turn = edit(
            user=person(request),
            prompt=prompt,
            text=text,
            nonce=nonce_of(request),
            owner=runner.owner,
        )
    except (CannotSend, NoCandidateFits) as error:
        if getattr(request, "htmx", False):
            return refuse(request, error, where=prompt.conversation)
        return _edit_again(request, prompt, text, error)
    return answer(request, turn, "", new=False)


def _edit_again(
    request: HttpRequest, prompt: Message, text: str, error: CannotSend | NoCandidateFits
) -> HttpResponse:
    """The same page with what was typed, and why it was not sent."""
    if isinstance(error, CannotSend):
        status, why = error.status, error.for_person
    else:
        status, why = 400, error.message
    context = {"prompt": prompt, "text": text, "why": why, "nonce": uuid.uuid4().hex}
    return render(request, "chat/edit.html", context, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def ask_again(request: HttpRequest, pk: int) -> HttpResponse:
    """Which model shall answer once more (where no script offers it), and asking it."""
    reply = mine(request, pk)
    if request.method == "GET":
        context = {
            "reply": reply,
            "asked": model_of(reply),
            "models": pickable_models(),
            "nonce": uuid.uuid4().hex,
        }
        return render(request, "chat/again.html", context)
    model = request.POST.get("model", SAME)
    choice = None if model == SAME else model
    return have_written(request, reply, partial(regenerate, reply=reply, choice=choice))


@login_required
@require_POST
def go_on_with(request: HttpRequest, pk: int) -> HttpResponse:
    """Have an answer that was cut short written to its end."""
    reply = mine(request, pk)
    return have_written(request, reply, partial(go_on, reply=reply))


@login_required
@require_POST
def show_branch(request: HttpRequest, pk: int) -> HttpResponse:
    """Put the branch of this message on show, here and on every other tab."""
    message = mine(request, pk)
    try:
        conversation = show(message)
    except CannotSend as error:
        return refuse(request, error, where=message.conversation)
    return switched(request, conversation, message)


def switched(
    request: HttpRequest, conversation: Conversation, place: Conversation | Message
) -> HttpResponse:
    """Tell every tab that another branch is on show; without a script, go to `place`."""
    runner.announce(Change("branch", conversation.pk))
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)  # the socket shows it
    return redirect(place)


@login_required
@require_POST
def fork_here(request: HttpRequest, pk: int) -> HttpResponse:
    """A conversation of its own from here on, which is opened."""
    message = mine(request, pk)
    try:
        copy = fork(user=person(request), message=message, nonce=nonce_of(request))
    except CannotSend as error:
        return refuse(request, error, where=message.conversation)
    if getattr(request, "htmx", False):
        return HttpResponse(status=204, headers={"HX-Redirect": copy.get_absolute_url()})
    return redirect(copy)
