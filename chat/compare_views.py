"""Having another model answer beside an answer, and saying which of the two is better."""

from __future__ import annotations

from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST

from chat.branch_views import SAME, have_written, mine, switched
from chat.branches import model_of
from chat.comparing import challenge, judge, verdict_of
from chat.errors import CannotSend, Malformed
from chat.views import person, refuse


@login_required
@require_POST
def compare(request: HttpRequest, pk: int) -> HttpResponse:
    """Have another model answer beside this answer."""
    reply = mine(request, pk)
    model = request.POST.get("model", "")
    against = model_of(reply) if model == SAME else model
    return have_written(request, reply, partial(challenge, reply=reply, against=against))


@login_required
@require_POST
def vote(request: HttpRequest, pk: int) -> HttpResponse:
    """Which of two answers is better; `pk` is the one on the right."""
    rival = mine(request, pk)
    verdict = verdict_of(request.POST.get("verdict", ""))
    try:
        if verdict is None:
            raise Malformed("A vote is for the left answer, the right one, both or neither.")
        conversation = judge(user=person(request), rival=rival, verdict=verdict)
    except CannotSend as error:
        return refuse(request, error, where=rival.conversation)
    return switched(request, conversation, conversation)
