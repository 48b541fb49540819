"""Where diagrams are drawn: a page of its own in a sandboxed frame, with a policy of its own.

The library (mermaid) writes styles into what it draws, which our pages refuse, and reads what a
model wrote. So it runs at an origin of its own, without network, and is given text and gives back
a picture (static/switchboard/diagrams.js). Where it is not installed, diagrams stay code.
"""

from __future__ import annotations

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET

LIBRARY = "mermaid/mermaid.tiny.js"
POLICY = {
    "default-src": [NONE],
    "script-src": [SELF],
    "style-src": [UNSAFE_INLINE],
    "connect-src": [NONE],
    "form-action": [NONE],
    "base-uri": [NONE],
    "frame-ancestors": [SELF],
    "sandbox": ["allow-scripts"],
}


def library_url() -> str:
    """The address of the library; "" where it is not installed."""
    if not settings.MERMAID_DIR.is_dir():
        return ""
    try:
        return static(LIBRARY)
    except ValueError:  # installed after the last collectstatic
        return ""


@require_GET
@xframe_options_sameorigin
@cache_control(public=True, max_age=300)
@csp(POLICY)
def frame(request: HttpRequest) -> HttpResponse:
    """The same for everybody: it holds nothing of anybody's."""
    library = library_url()
    if not library:
        raise Http404
    return render(request, "chat/diagram.html", {"library": library})
