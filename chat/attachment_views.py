"""Files in, one by one, and out again to their owner: always as a download, never as a page."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET, require_POST

from chat.attachment_models import Attachment, Kind
from chat.attachments import attach
from chat.errors import CannotAttach
from chat.views import person


@login_required
@require_POST
def upload(request: HttpRequest) -> HttpResponse:
    """Keep one file, and show it in the composer."""
    file = request.FILES.get("upload")
    if file is None:
        return HttpResponse("No file has come.", status=422, content_type="text/plain")
    try:
        attachment = attach(user=person(request), upload=file)
    except CannotAttach as error:
        return HttpResponse(error.for_person, status=error.status, content_type="text/plain")
    return render(request, "chat/_attached_new.html", {"file": attachment.as_json()})


@login_required
@require_GET
def download(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The bytes of a file, for its owner. A browser may draw a picture of it, and run nothing."""
    response = bytes_of(get_object_or_404(Attachment, pk=pk, user=person(request)))
    response["Cache-Control"] = "private, max-age=31536000, immutable"
    return response


def bytes_of(found: Attachment) -> HttpResponse:
    """Only what was judged to be a picture is called one; nothing of it runs, or is a page."""
    try:
        content = found.path.read_bytes()
    except OSError:
        raise Http404 from None
    is_image = found.kind == Kind.IMAGE
    media_type = found.media_type if is_image else "application/octet-stream"
    response = HttpResponse(content, content_type=media_type)
    response["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=found.name) or "attachment"
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response
