"""Who is behind the ids of the ledger, and who is in a group."""

from __future__ import annotations

import re
from collections.abc import Iterable

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from billing.models import user_ref

REF = re.compile(r"user-(\d{1,18})")


def names_of(refs: Iterable[str]) -> dict[str, str]:
    """Id → username; an erased account keeps its id for a name."""
    refs = list(refs)
    found = {ref: REF.fullmatch(ref) for ref in refs}
    people = get_user_model().objects.in_bulk([int(each[1]) for each in found.values() if each])
    names = {user_ref(person): person.get_username() for person in people.values()}
    return {ref: names.get(ref, f"{ref} (erased)") for ref in refs}


def ref_of(text: str) -> str | None:
    """The id of whom a text names: by username, or by the id itself. None: nobody."""
    text = text.removesuffix(" (erased)").strip()
    if not text or "\0" in text:
        return None
    model = get_user_model()
    person = model.objects.filter(**{model.USERNAME_FIELD: text}).first()
    if person:
        return user_ref(person)
    return text if REF.fullmatch(text) else None


def members_of(group: Group) -> tuple[str, ...]:
    """The ids of today's members."""
    people = get_user_model().objects.filter(groups=group)
    return tuple(sorted(user_ref(person) for person in people))
