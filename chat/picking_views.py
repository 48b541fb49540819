"""The picker's list, and the stars in it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from chat.models import AUTO
from chat.picking import choices, set_favourite
from chat.views import person


@login_required
@require_GET
def models(request: HttpRequest) -> HttpResponse:
    """The options of the model picker, fetched when it is about to be opened."""
    context = {"models": choices(person(request)), "choice": request.GET.get("model", AUTO)}
    return render(request, "chat/_model_options.html", context)


@login_required
@require_POST
def favourite(request: HttpRequest) -> HttpResponse:
    """Keep a model at the top of the list (`on` is 1), or no longer."""
    slug, is_on = request.POST.get("slug", ""), request.POST.get("on") == "1"
    if not set_favourite(user=person(request), slug=slug, is_favourite=is_on):
        raise Http404
    return HttpResponse(status=204)
