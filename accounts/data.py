"""The page "Your data": take all of it along, or have it erased."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable
from typing import IO, TYPE_CHECKING, TypeVar, cast

from allauth.account.decorators import reauthentication_required
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import note
from accounts.erasure import CannotErase, erase, plan, require_erasable
from accounts.models import Action
from accounts.takeout import write_zip

if TYPE_CHECKING:
    from accounts.models import User

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
PIECE_BYTES = 256 * 1024
IN_MEMORY_BYTES = 8_000_000  # of a zip; a larger one is written to a temporary file


def shown_again(view: View) -> View:
    """Only for who has shown within the last minutes, by password or otherwise, that it is they."""
    return cast("View", reauthentication_required(view))


@login_required
@require_safe
@never_cache
@shown_again
def page(request: HttpRequest) -> HttpResponse:
    return _page(request, cast("User", request.user))


@login_required
@require_POST
@shown_again
def export(request: HttpRequest) -> StreamingHttpResponse:
    person = cast("User", request.user)
    note(Action.EXPORTED, subject=person, detail={"what": "everything"})
    file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 (sent later)
    write_zip(person, cast("IO[bytes]", file))
    response = StreamingHttpResponse(_pieces(file), content_type="application/zip")
    response["Content-Length"] = str(file.tell())
    name = f"switchboard-{person.get_username()}.zip"
    header = content_disposition_header(as_attachment=True, filename=name)
    response["Content-Disposition"] = header or "attachment"
    response["Cache-Control"] = "no-store, private"
    return response


async def _pieces(file: tempfile.SpooledTemporaryFile[bytes]) -> AsyncIterator[bytes]:
    with file:
        await sync_to_async(file.seek)(0)
        while piece := await sync_to_async(file.read)(PIECE_BYTES):
            yield piece


@login_required
@require_POST
@never_cache
@shown_again
def erase_me(request: HttpRequest) -> HttpResponse:
    """With the person's own name typed: there is no way back."""
    person = cast("User", request.user)
    if request.POST.get("name", "").strip() != person.get_username():
        return _page(request, person, problem="That is not your username. Nothing was erased.")
    try:
        receipt = erase(person, by=person)
    except CannotErase as error:
        return _page(request, person, problem=error.for_person)
    request.session.flush()  # not `logout`: there is nobody any more to tell of
    request.user = AnonymousUser()
    return render(request, "account/erased.html", {"receipt": receipt})


def _page(request: HttpRequest, person: User, problem: str = "") -> HttpResponse:
    try:
        require_erasable(person)
        hindrance = ""
    except CannotErase as error:
        hindrance = error.for_person
    context = {
        "receipt": plan(person),
        "problem": problem,
        "hindrance": hindrance,
        "retention_days": settings.RETENTION_DAYS,
    }
    return render(request, "account/data.html", context, status=400 if problem else 200)
