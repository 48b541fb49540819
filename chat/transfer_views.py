"""Files out and in: one conversation, all of them, and what came from elsewhere."""

from __future__ import annotations

import io
from typing import TypeVar
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from billing.audited import note
from chat.exporting import all_in_one, as_markdown, file_name, one_file
from chat.import_formats import CannotImport
from chat.importing import import_file
from chat.models import Conversation
from chat.views import person

Answer = TypeVar("Answer", HttpResponse, StreamingHttpResponse)
MEGABYTE = 1_000_000


@login_required
@require_GET
def export_one(request: HttpRequest, pk: UUID, suffix: str) -> HttpResponse:
    """A conversation as `md` or `json`: always a file to keep, never a page to run."""
    mine = Conversation.objects.owned_by(request.user).select_related("folder")
    conversation = get_object_or_404(mine, pk=pk)
    text = as_markdown(conversation) if suffix == "md" else one_file(conversation)
    note("exported", subject=f"conversation-{pk}", detail={"as": suffix})
    kind = "text/markdown" if suffix == "md" else "application/json"
    name = file_name(conversation, suffix)
    return _file(HttpResponse(text, content_type=f"{kind}; charset=utf-8"), name)


@login_required
@require_GET
def export_all(request: HttpRequest) -> StreamingHttpResponse:
    note("exported", subject=person(request), detail={"what": "all conversations"})
    whole = all_in_one(person(request))
    response = StreamingHttpResponse(whole, content_type="application/json; charset=utf-8")
    return _file(response, "switchboard-conversations.json")


@login_required
@require_GET
def files(request: HttpRequest) -> HttpResponse:
    context = {"tab": "files", "most_mb": settings.MAX_IMPORT_MB}
    return render(request, "chat/files.html", context)


@login_required
@require_POST
def bring_in(request: HttpRequest) -> HttpResponse:
    context: dict[str, object] = {"tab": "files", "most_mb": settings.MAX_IMPORT_MB}
    file = request.FILES.get("file")
    most_bytes = settings.MAX_IMPORT_MB * MEGABYTE
    try:
        content = file.file if file and file.file else io.BytesIO()
        context["imported"] = import_file(person(request), content, most_bytes=most_bytes)
    except CannotImport as error:
        context["problem"] = error.for_person
    status = 400 if "problem" in context else 200
    return render(request, "chat/files.html", context, status=status)


def _file(response: Answer, name: str) -> Answer:
    header = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Disposition"] = header or "attachment"
    response["Cache-Control"] = "no-store, private"
    return response
