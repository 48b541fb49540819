"""The library of prompts, and the sheet with a conversation's instructions."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from chat.models import Conversation, SavedPrompt
from chat.prompts_library import CannotSave, begin_with, instruct, save_prompt
from chat.views import person


@login_required
@require_http_methods(["GET", "POST"])
def prompts(request: HttpRequest) -> HttpResponse:
    """The list, a form for a new one, and with `edit` the form of a known one."""
    theirs = SavedPrompt.objects.owned_by(request.user)
    key = request.POST.get("edit", request.GET.get("edit", ""))
    known = get_object_or_404(theirs, pk=int(key[:18])) if key.isdecimal() else None
    context: dict[str, Any] = {"tab": "prompts", "prompts": theirs, "known": known}
    if request.method == "POST":
        given = {name: request.POST.get(name, "") for name in ("name", "text")}
        try:
            save_prompt(person(request), known, **given)
        except CannotSave as error:
            context |= {"problem": error.for_person, "given": given}
            return render(request, "chat/prompts.html", context, status=400)
        return redirect("chat:prompts")
    return render(request, "chat/prompts.html", context)


@login_required
@require_GET
def slash(request: HttpRequest) -> HttpResponse:
    """The prompts as choices over the message box, fetched with the first "/"."""
    context = {"prompts": SavedPrompt.objects.owned_by(request.user)}
    return render(request, "chat/_slash.html", context)


@login_required
@require_POST
def delete_prompt(request: HttpRequest, pk: int) -> HttpResponse:
    get_object_or_404(SavedPrompt.objects.owned_by(request.user), pk=pk).delete()
    return redirect("chat:prompts")


@login_required
@require_POST
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """A new conversation with this prompt as its instructions."""
    prompt = get_object_or_404(SavedPrompt.objects.owned_by(request.user), pk=pk)
    return redirect(begin_with(person(request), prompt.text))


@login_required
@require_http_methods(["GET", "POST"])
def instructions(request: HttpRequest, pk: UUID) -> HttpResponse:
    conversation = get_object_or_404(Conversation.objects.owned_by(request.user), pk=pk)
    context: dict[str, Any] = {
        "conversation": conversation,
        "prompts": SavedPrompt.objects.owned_by(request.user),
        "text": request.POST.get("text", conversation.system_prompt),
        "tab": "",
    }
    if request.method == "POST":
        try:
            instruct(conversation, request.POST.get("text", ""))
        except CannotSave as error:
            context["problem"] = error.for_person
        else:
            context["saved"] = True
            if not request.htmx:  # type: ignore[attr-defined]
                return redirect(conversation)
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "chat/_instructions.html", context)
    return render(request, "chat/instructions.html", context)
