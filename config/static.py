"""What static files carry: they are served ahead of Django's own middleware."""

from wsgiref.headers import Headers


def add_headers(headers: Headers, path: str, url: str) -> None:
    """No browser may take a file for something else than its type says."""
    headers["X-Content-Type-Options"] = "nosniff"
