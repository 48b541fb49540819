"""Thumbs, and the page that says what they taught the router."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AbstractBaseUser
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from chat.models import Message
from chat.votes import THUMBS, NotVotable, forget_votes, set_thumb
from routing.evidence import Tallies, Tally, shifts
from routing.evidence_memory import tallies_of
from routing.reasons import demand_text, leaning
from routing.shelf import shelf


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a person's votes say of one model on one kind of prompt."""

    model: str
    good: float
    bad: float
    leaning: str


@login_required
@require_POST
def thumb(request: HttpRequest, pk: int, value: str) -> HttpResponse:
    """Put a thumb up or down under an answer, or take it away."""
    reply = get_object_or_404(Message.objects.owned_by(request.user), pk=pk)
    if value not in THUMBS:
        raise Http404
    person = cast("AbstractBaseUser", request.user)
    try:
        voted = set_thumb(user=person, reply=reply, thumb=THUMBS[value])
    except NotVotable:
        return HttpResponse("Only an answer that has ended can be voted on.", status=409)
    if not request.htmx:  # type: ignore[attr-defined]
        return redirect(f"{voted.conversation.get_absolute_url()}#m{voted.pk}")
    return render(request, "chat/_thumbs.html", {"message": voted})


@login_required
@require_GET
def learned(request: HttpRequest) -> HttpResponse:
    """What the router learned from the person who asks."""
    tallies = tallies_of(request.user.pk or 0)
    return render(request, "chat/learned.html", {"kinds": list(_lessons(tallies))})


@login_required
@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """Take back all of it."""
    forget_votes(user=request.user)
    messages.success(request, "The router has forgotten your votes.")
    return redirect("chat:learned")


def _lessons(tallies: Tallies) -> Iterator[tuple[str, list[Lesson]]]:
    """By kind of prompt, the most voted on first; in each, the models that gained most first."""
    weight = {demand: sum(t.weight for t in models.values()) for demand, models in tallies.items()}
    ladder = shelf.snapshot().ladder
    for demand in sorted(tallies, key=lambda name: (-weight[name], name)):
        moved = shifts(tallies, demand, ladder)
        ranked = sorted(tallies[demand].items(), key=lambda it: (-moved.get(it[0], 0.0), it[0]))
        yield (
            demand_text(demand),
            [_lesson(model, tally, moved.get(model, 0.0)) for model, tally in ranked],
        )


def _lesson(model: str, tally: Tally, shift: float) -> Lesson:
    return Lesson(
        model=model,
        good=round(tally.successes, 1),
        bad=round(tally.failures, 1),
        leaning=leaning(shift),
    )
