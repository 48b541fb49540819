"""An OpenID provider of our own machine, and a browser that goes there and comes back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import unescape
from urllib.parse import urlsplit

import httpx
from django.test import Client
from oidc_provider_mock import User as Claims
from oidc_provider_mock import run_server_in_thread

BEGIN = "/accounts/oidc/sso/login/"


@contextmanager
def provider(people: Sequence[Claims] = ()) -> Iterator[str]:
    """Its issuer. It takes any client, and says of whoever is named what `people` tells of them."""
    with run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


def somebody(sub: str, **claims: object) -> Claims:
    return Claims(sub=sub, claims=claims)


def address_in(page: str) -> str:
    """Where the page that goes on by itself goes."""
    found = re.search(r'http-equiv="refresh"\s+content="0; url=([^"]+)"', page)
    assert found, page
    return unescape(found[1])


def way_back(client: Client, sub: str, begin: str = BEGIN) -> str:
    """Begin, say at the provider that one is `sub`; the address with which it sends one back."""
    there = address_in(client.post(begin).content.decode())
    answer = httpx.post(there, data={"sub": sub}, follow_redirects=False)
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


def sign_in_as(client: Client, sub: str, begin: str = BEGIN) -> str:
    """The whole way; where it ends, or the page that ends it."""
    answer = client.get(way_back(client, sub, begin))
    return str(answer.headers.get("Location") or answer.content.decode())
