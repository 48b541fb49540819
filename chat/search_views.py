"""Searching, and opening a conversation at one of its messages."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET

from chat.models import Message
from chat.search import find
from chat.search_text import MOST_CHARS
from chat.shown import Branch


@login_required
@require_GET
def search(request: HttpRequest) -> HttpResponse:
    """As fragments for the sheet over the chat page, or as a page of its own."""
    query = request.GET.get("q", "")[:MOST_CHARS]
    context = {"q": query, "results": find(request.user, query)}
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, "chat/_found.html", context)
    return render(request, "chat/search.html", context | {"tab": ""})


@login_required
@require_GET
def at(request: HttpRequest, pk: int) -> HttpResponse:
    """To a message where it stands. One on another branch is shown when the person says so:
    to look for something changes nothing."""
    mine = Message.objects.owned_by(request.user).select_related("conversation")
    message = get_object_or_404(mine, pk=pk)
    if pk in Branch(message.conversation).path:
        return redirect(message)
    return render(request, "chat/elsewhere.html", {"message": message, "tab": ""})
