"""What no database keeps does not get as far as one: NUL, at which PostgreSQL fails."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, QueryDict
from django.http.response import HttpResponseBase

from chat.source import printable

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def without_nul(get_response: GetResponse) -> GetResponse:
    """In a form it becomes U+FFFD, as in what models write; an address that holds it is none."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        if "%00" in request.META.get("QUERY_STRING", ""):
            request.GET = _harmless(request.GET)  # type: ignore[assignment]
        if request.method == "POST" and _holds_nul(request.POST):
            request.POST = _harmless(request.POST)  # type: ignore[assignment]
        if "\0" in request.path_info:  # after the form, which the page for 404 wants to have read
            raise Http404
        return get_response(request)

    return answer


def _holds_nul(form: QueryDict) -> bool:
    return any("\0" in value for _, values in form.lists() for value in values)


def _harmless(form: QueryDict) -> QueryDict:
    clean = QueryDict(mutable=True, encoding=form.encoding)
    for name, values in form.lists():
        clean.setlist(printable(name), [printable(value) for value in values])
    clean._mutable = False  # noqa: SLF001 (as Django itself hands it out)
    return clean
