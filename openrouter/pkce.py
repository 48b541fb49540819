"""Letting a person grant us a key of theirs: the pure half of the PKCE exchange.

Source: OpenRouter documentation, "OAuth PKCE", and RFC 7636. No `state` parameter is documented:
whoever needs one puts it into the callback address.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Final
from urllib.parse import urlencode

AUTHORIZE_URL: Final = "https://openrouter.ai/auth"


def new_verifier() -> str:
    """A secret for one exchange: 43 characters, kept in the session until the code comes."""
    return secrets.token_urlsafe(32)


def challenge_of(verifier: str) -> str:
    """What is shown of the verifier: the BASE64URL of its SHA-256, without padding."""
    digest = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")


def authorize_address(
    *, callback_url: str, verifier: str, key_label: str = "", authorize_url: str = AUTHORIZE_URL
) -> str:
    """Where to send the browser. It comes back with `?code=`, which is good for ten minutes."""
    query = {
        "callback_url": callback_url,
        "code_challenge": challenge_of(verifier),
        "code_challenge_method": "S256",
    }
    if key_label:
        query["key_label"] = key_label
    return f"{authorize_url}?{urlencode(query)}"
