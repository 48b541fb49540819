"""A conversation's wishes: the panel (a page without JavaScript), and keeping them.

Those for a conversation that does not exist yet wait in the session until its first prompt.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from chat.models import Conversation
from chat.views import NEW_WISHES
from chat.wish_forms import WishForm
from chat.wishes import Wishes
from routing.services import models_by_slug


@login_required
@require_http_methods(["GET", "POST"])
def wishes(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """Show or keep how a conversation (the next new one) wishes to be answered."""
    mine = Conversation.objects.owned_by(request.user)
    conversation = get_object_or_404(mine, pk=pk) if pk else None
    held = conversation.wishes if conversation else request.session.get(NEW_WISHES, {})
    now = Wishes.from_json(held)
    chosen = conversation.choice if conversation else ""
    sent = request.GET if request.method == "GET" else request.POST
    model = models_by_slug().get(sent.get("model", chosen))
    if request.method == "GET":
        return _show(request, conversation, now, WishForm.of(now, model=model))
    form = WishForm.of(now, request.POST, model=model)
    if not form.is_valid():
        return _show(request, conversation, now, form, status=422)
    now = form.wishes(now.dial)
    if conversation:
        mine.filter(pk=conversation.pk).update(wishes=now.to_json())
    else:
        request.session[NEW_WISHES] = now.to_json()
    if getattr(request, "htmx", False):
        context = {"conversation": conversation, "wishes": now, "oob": True}
        response = render(request, "chat/_wishes_button.html", context)
        response["HX-Trigger"] = "wishes-kept"
        return response
    return redirect(conversation or "chat:home")


def _show(
    request: HttpRequest,
    conversation: Conversation | None,
    now: Wishes,
    form: WishForm,
    *,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {"conversation": conversation, "wishes": now, "form": form}
    panel = getattr(request, "htmx", False)
    template = "chat/_wishes_form.html" if panel else "chat/wishes.html"
    return render(request, template, context, status=status)
