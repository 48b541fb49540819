"""The cost under an answer, for a page that waits for it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from billing.services import conversation_total
from chat.models import Message


@login_required
@require_GET
def cost(request: HttpRequest, pk: int) -> HttpResponse:
    """What has become of a cost that was pending; 204 where it still is.

    A bill that is settled in this process comes over the socket. One that `manage.py settle` or
    another process has settled without Redis is found by this question.
    """
    mine = Message.objects.owned_by(request.user).with_books()
    message = get_object_or_404(mine, pk=pk)
    if message.is_running or (message.turn_cost and message.turn_cost.pending):
        return HttpResponse(status=204)
    total = conversation_total(conversation_ref=str(message.conversation_id))
    return render(request, "chat/_cost_update.html", {"message": message, "total": total})
