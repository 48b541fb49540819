"""Requests to every address of the URL conf, most of them wrong in one way or in several."""

# ruff: noqa: E501 - payloads

from __future__ import annotations

import inspect
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

from django import forms
from django.apps import apps
from django.urls import URLResolver, get_resolver
from django.utils.regex_helper import normalize

from tests.processes import ROOT
from tests.security.fuzz_values import LETTERS, SURROGATES, bombs, value

METHODS: Final = (b"GET",) * 5 + (b"POST",) * 9 + (
    b"HEAD", b"OPTIONS", b"PUT", b"PATCH", b"DELETE", b"TRACE", b"CONNECT", b"PROPFIND", b"get", b"X",
)  # fmt: skip
TOKEN: Final = b"a" * 32  # as cookie and as field: what Django asks for is that they are the same
HTMX: Final = (b"HX-Request: true", b"HX-Target: composer", b"HX-Boosted: true",
               b"HX-Current-URL: http://other.test/%0d%0a", b"HX-Trigger: \xff\xfe",
               b"HX-History-Restore-Request: true", b"HX-Prompt: " + b"x" * 3000)  # fmt: skip
HEADERS: Final = (
    b"X-Forwarded-For: " + b"1.2.3.4, " * 300, b"X-Forwarded-For: \xff', \x01", b"Forwarded: for=\"",
    b"X-Forwarded-Proto: https", b"X-Forwarded-Host: other.test", b"X-Request-ID: a\x7fb" + b"c" * 999,
    b"Accept-Language: " + b"a" * 5000, b"Accept-Language: *;q=nan,\xe2\x82\xac;q=1e9", b"Accept: \xff",
    b"Accept-Encoding: gzip;q=-1, br;q=9e9, \xff", b"If-Modified-Since: never", b"If-None-Match: \"\xff",
    b"Range: bytes=9-1,-", b"Range: bytes=0-" + b"9" * 99, b"Expect: 100-continue", b"Cookie: a=b; ;=;\xff",
    b"Cookie: sessionid=" + b"%00" * 50, b"Cookie: csrftoken=\xff\xfe", b"Cookie: messages=x; sessionid=../x",
    b"Referer: \xff\x01", b"Referer: http://other.test/", b"Origin: null", b"Origin: http://[", b"Host: other.test",
    b"Host: localhost:99999", b"Host: [::1", b"Authorization: Basic \xff", b"Authorization: Bearer x",
    b"Content-Encoding: gzip", b"Transfer-Encoding: identity", b"X-HTTP-Method-Override: DELETE",
    b"Daphne-Root-Path: /x", b"Script-Name: /x", b"Upgrade: h2c", b"User-Agent: " + b"u" * 7000,
    b"X-CSRFToken: \xff", b"Sec-Fetch-Site: cross-site", b"Priority: \xff", b"X: " + b"h" * 15_000,
)  # fmt: skip
NAMED = re.compile(r"""(?:POST|GET|FILES|data)(?:\.get|\.getlist)?[\[(]["'](\w+)["']""")
IN_TEMPLATES = re.compile(r"""\bname="([\w.-]+)\"""")


@dataclass(frozen=True, slots=True)
class Target:
    """An address with %(name)s for what goes in, and the names of fields that its view reads."""

    shape: str
    names: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Built:
    """The bytes of a request. `ends`: False where the server must wait for more that never comes."""

    label: str
    data: bytes
    shape: str = ""
    ends: bool = True
    half_closes: bool = False


@cache
def all_fields() -> tuple[str, ...]:
    """Names of the fields of every form, every model and every template."""
    found: set[str] = set()
    waiting: list[Any] = [forms.BaseForm]
    while waiting:
        kind = waiting.pop()
        found |= set(getattr(kind, "base_fields", ()))
        waiting += kind.__subclasses__()
    found |= {field.name for model in apps.get_models() for field in model._meta.fields}
    for template in (ROOT / "templates").rglob("*.html"):
        found |= set(IN_TEMPLATES.findall(template.read_text()))
    found |= {"q", "p", "o", "e", "all", "action", "_selected_action", "_popup", "_to_field", "next",
              "_save", "post", "select_across", "index", "format", "form-TOTAL_FORMS",
              "form-INITIAL_FORMS", "id__in", "date__range", "user__password__startswith"}  # fmt: skip
    return tuple(sorted(found))


@cache
def _fields_in(source: str) -> tuple[str, ...]:
    return tuple(sorted(set(NAMED.findall(Path(source).read_text())))) if source else ()


def targets() -> list[Target]:
    """Every address there is, the admin's and allauth's too."""
    found = {it.shape: it for it in _below(get_resolver(), "/")}
    return [found[shape] for shape in sorted(found)]


def _below(resolver: Any, prefix: str) -> Iterator[Target]:
    for entry in resolver.url_patterns:
        for shape, _ in normalize(entry.pattern.regex.pattern):
            if isinstance(entry, URLResolver):
                yield from _below(entry, prefix + shape)
            else:
                view = inspect.unwrap(entry.callback)
                source = inspect.getsourcefile(getattr(view, "view_class", view)) or ""
                ours = _fields_in(source) if source.startswith(str(ROOT)) else ()
                yield Target(
                    prefix + shape, tuple(re.findall(r"%\((\w+)\)s", prefix + shape)), ours
                )


class Builder:
    """Makes the request of a number: the same for the same seed and the same site."""

    def __init__(self, sessions: dict[str, str], known: dict[str, list[str]]) -> None:
        self.sessions, self.known = sessions, known
        self.targets = targets()

    def build(self, chance: random.Random) -> Built:
        if chance.random() < 0.06:
            return self._not_http(chance)
        target = chance.choice(self.targets)
        method = chance.choice(METHODS)
        path = self._path(chance, target)
        who = chance.choice(("user", "user", "staff", "staff", "nobody"))
        body, kind = (b"", b"") if method == b"GET" else self._body(chance, target)
        lines = [method + b" " + path + b" HTTP/1.1", b"Connection: close"]
        lines += [b"Host: localhost", *self._identity(chance, who)]
        lines += chance.sample(HTMX, chance.choice((0, 0, 1, 1, 2)))
        lines += chance.sample(HEADERS, chance.choice((0, 0, 0, 0, 0, 0, 1, 1, 3)))
        if kind:
            lines.append(b"Content-Type: " + kind)
        label = f"{who} {method.decode()} {target.shape}"
        return replace(self._framed(chance, label, lines, body), shape=target.shape)

    def _path(self, chance: random.Random, target: Target) -> bytes:
        values = {name: self._part(chance, target, name) for name in target.names}
        path = quote(target.shape % values, safe="/%:@+,;=~!*'()$&").encode()
        if chance.random() < 0.35:
            path += b"?" + self._form(chance, target, chance.randint(1, 4))
        if chance.random() < 0.03:
            path += chance.choice(
                (b"#x", b"?" * 9, b"/" * 200, b";x=y", b"%00", b"\xff", b"?\xff=\x01", b"%u0041")
            )
        return path

    def _part(self, chance: random.Random, target: Target, name: str) -> str:
        """A value for a place in an address: mostly one that is there, so that the view is met."""
        if chance.random() < 0.25:
            return quote(value(chance, self.known)[:2_000], safe="")
        for start, kind in (("/c/", "c"), ("/m/", "m"), ("/s/", "s")):
            if target.shape.startswith(start):
                return chance.choice(self.known[kind])
        return chance.choice(
            (*self.known["other"], "1", "2", "up", "live", chance.choice(self.known["c"]))
        )

    def _identity(self, chance: random.Random, who: str) -> list[bytes]:
        """A session and a token that fits, nearly always."""
        cookies = b"csrftoken=" + TOKEN
        if who in self.sessions:
            cookies += b"; sessionid=" + self.sessions[who].encode()
        lines = [b"Cookie: " + cookies]
        if chance.random() < 0.95:
            lines.append(b"X-CSRFToken: " + TOKEN)
        return lines

    def _form(self, chance: random.Random, target: Target, count: int) -> bytes:
        pairs = []
        for name in self._names(chance, target, count):
            text = quote_plus(value(chance, self.known), safe="").encode()
            pairs.append(quote_plus(name).encode() + b"=" + (
                text if chance.random() < 0.95 else chance.choice(SURROGATES)
            ))  # fmt: skip
        return chance.choice((b"&",) * 9 + (b";",)).join(pairs)

    def _names(self, chance: random.Random, target: Target, count: int) -> list[str]:
        names = [*target.fields, "nonce", "prompt"]
        few = [chance.choice(all_fields()) for _ in range(count)]
        chosen = [*chance.sample(names, min(len(names), count)), *few[: count // 2 + 1]]
        return [*chosen, chance.choice(LETTERS)] if chance.random() < 0.1 else chosen

    def _body(self, chance: random.Random, target: Target) -> tuple[bytes, bytes]:
        form = b"application/x-www-form-urlencoded"
        kind = chance.randrange(12)
        if kind < 6:
            return self._form(chance, target, chance.randint(1, 7)), form
        if kind < 9:
            return self._multipart(chance, target)
        if kind == 9:
            json_kind = chance.choice((b"application/json", b"application/csp-report", form))
            return bombs(chance).encode("utf-8", "replace"), json_kind
        if kind == 10:
            many = b"&".join(b"a%d=" % n for n in range(chance.choice((999, 1_001, 20_000))))
            return many, form
        junk = chance.randbytes(chance.choice((1, 100, 70_000)))
        return junk, chance.choice((b"", form, b"text/plain; charset=\xff", b"image/png", b";;", b"a/b" * 900,
                                    form + b"; charset=utf-16", form + b"; charset=no-such"))  # fmt: skip

    def _multipart(self, chance: random.Random, target: Target) -> tuple[bytes, bytes]:
        mark = chance.choice((b"x", b"x" * 70, b"-", b"\xff", b"'", b"x y"))
        parts = []
        for name in self._names(chance, target, chance.randint(1, 5)):
            head = (
                b'Content-Disposition: form-data; name="' + name.encode("utf-8", "replace") + b'"'
            )
            if chance.random() < 0.5:
                text = value(chance, self.known)[:500].encode("utf-8", "replace")
                head += b'; filename="' + text.replace(b"\n", b"") + b'"'
            if chance.random() < 0.3:
                head += chance.choice((b"\r\nContent-Type: text/html", b"\r\nContent-Transfer-Encoding: base64",
                                       b"\r\nContent-Type: \xff", b"\r\nContent-Length: -1", b"\r\n: x",
                                       b"; filename*=UTF-8''%ff%00", b"; name*=x''%zz"))  # fmt: skip
            content = chance.choice((value(chance, self.known).encode("utf-8", "replace"), *FILES))
            parts.append(b"--" + mark + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n")
        end = chance.choice(
            (b"--" + mark + b"--\r\n",) * 6 + (b"", b"--" + mark, b"--" + mark + b"--" * 99)
        )
        said = chance.choice((mark,) * 8 + (b"y", b""))
        return b"".join(parts) + end, b"multipart/form-data; boundary=" + said

    def _framed(self, chance: random.Random, label: str, lines: list[bytes], body: bytes) -> Built:
        """With its length, in chunks, or with a length that is not true."""
        way = chance.randrange(40) if body else 0
        if way == 1:
            lines.append(b"Transfer-Encoding: chunked")
            half = len(body) // 2
            body = (
                b"".join(b"%x\r\n%s\r\n" % (len(it), it) for it in (body[:half], body[half:]) if it)
                + b"0\r\n\r\n"
            )
        elif way == 2:
            lines.append(chance.choice((b"Content-Length: -1", b"Content-Length: x", b"Content-Length: 1, 2",
                                        b"Content-Length: 1\r\nContent-Length: 2", b"Content-Length: 0x5",
                                        b"Transfer-Encoding: chunked\r\nContent-Length: 5")))  # fmt: skip
        elif way == 3:
            lines.append(
                b"Content-Length: %d" % (len(body) + chance.choice((1, 99, 10**7, 10**13)))
            )
            return Built(
                label + " (cut)",
                _joined(lines) + body,
                ends=False,
                half_closes=chance.random() < 0.5,
            )
        elif body:
            lines.append(b"Content-Length: %d" % len(body))
        return Built(label, _joined(lines) + body)

    def _not_http(self, chance: random.Random) -> Built:
        path = chance.choice(self.targets).shape.encode()
        junk = chance.choice((
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 99,
            b"GET " + path + b"\r\n\r\n", b"GET " + path + b" HTTP/9.9\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n",
            b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET http://other.test/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other.test\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
            b"G\xffT / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", b"GET / HTTP/1.1\nHost: localhost\n\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 3_000 + b"\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n folded: x\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX\r\n\r\n",
            b"POST /send/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nx",
            b"POST /send/ HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nx\r\n0\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n" * 5, chance.randbytes(400),
        ))  # fmt: skip
        return Built(f"nobody junk {junk[:30]!r}", junk, ends=False)


FILES: Final = (
    b"", b"%PDF-1.4\n" + b"/Type /Page " * 999, b"\x89PNG\r\n\x1a\n" + b"\0" * 99, b"GIF89a\xff\xff\xff\xff",
    b"PK\x03\x04" + b"\xff" * 99, b"PK\x05\x06" + b"\0" * 18, b"<svg onload=alert(1)>", b"\xef\xbb\xbf{}",
    b'{"format": "switchboard-conversations", "version": 1, "conversations": [{"messages": [1]}]}',
    b'[{"mapping": {"a": {"parent": "a"}}}]', b"[" * 50_000, b"\xff\xfe" * 500, b"x" * 300_000,
)  # fmt: skip


def _joined(lines: list[bytes]) -> bytes:
    return b"\r\n".join(lines) + b"\r\n\r\n"
