"""The composer's preview: a fragment of one line, or nothing."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_POST

from chat.errors import CannotAttach
from chat.models import Conversation
from chat.preview import limiter, preview
from chat.views import NEW_WISHES, person
from routing.services import NoCandidateFits

MOST_CHARS = 20_000  # the browser sends the ends of what is longer


class PreviewForm(forms.Form):
    prompt = forms.CharField(strip=False, max_length=MOST_CHARS)
    left_out = forms.IntegerField(required=False, min_value=0, max_value=10**9)
    dial = forms.IntegerField(required=False, min_value=0, max_value=10)


@login_required
@require_POST
def show(request: HttpRequest, pk: UUID | None = None) -> HttpResponse:
    """The likely model and its price for what stands in the composer."""
    user = person(request)
    mine = Conversation.objects.owned_by(user)
    conversation = get_object_or_404(mine, pk=pk) if pk else None
    if not limiter.admits(user.pk):
        return HttpResponse(status=429)
    form = PreviewForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=400)
    held = conversation.wishes if conversation else request.session.get(NEW_WISHES, {})
    dial = form.cleaned_data["dial"]
    try:
        likely = preview(
            user=user,
            conversation=conversation,
            text=form.cleaned_data["prompt"].replace("\r\n", "\n"),
            left_out=form.cleaned_data["left_out"] or 0,
            wishes=held if dial is None else held | {"dial": dial},
            attached=request.POST.getlist("file"),
        )
    except CannotAttach:
        return HttpResponse(status=400)
    except NoCandidateFits as error:
        return render(request, "chat/_preview.html", {"refusal": error.message})
    return render(request, "chat/_preview.html", {"preview": likely})
