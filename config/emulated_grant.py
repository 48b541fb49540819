"""The emulator's page for granting a key, where the emulator is built in and has no address."""

from __future__ import annotations

import httpx
from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from billing.keys import is_emulated
from config.upstream import emulator


@login_required
@require_GET
def emulated_grant(request: HttpRequest) -> HttpResponse:
    if not is_emulated():
        raise Http404
    answer = async_to_sync(_ask)(request.META["QUERY_STRING"])
    return HttpResponse(answer.content, status=answer.status_code)


async def _ask(query: str) -> httpx.Response:
    # not closed: it has no connections, and closing it would close the process's emulator
    client = httpx.AsyncClient(transport=emulator())
    return await client.get(f"http://emulator/auth?{query}")
