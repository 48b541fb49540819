"""What somebody, or a group, may do: as names, to be compared before and after a change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from django.contrib.auth.models import Group

from accounts.models import User

Rights: TypeAlias = Mapping[str, Any]
FLAGS = ("is_active", "is_staff", "is_superuser")


def rights_of(user: User) -> Rights:
    """As the database has them."""
    stored = User.objects.filter(pk=user.pk).first()
    if stored is None:
        return {}
    return {
        **{flag: getattr(stored, flag) for flag in FLAGS},
        "groups": _names(stored.groups.values_list("name", flat=True)),
        "permissions": _names(stored.user_permissions.values_list("codename", flat=True)),
    }


def rights_of_group(group: Group) -> Rights:
    permissions = group.permissions.values_list("codename", flat=True) if group.pk else []
    return {"permissions": _names(permissions)}


def _names(names: Any) -> frozenset[str]:
    return frozenset(names)


def changes(before: Rights, after: Rights) -> dict[str, Any]:
    """What is different, in words: `groups given`, `groups taken`, or a flag's new value."""
    told: dict[str, Any] = {}
    for name, now in after.items():
        then = before.get(name)
        if isinstance(now, frozenset):
            told[f"{name} given"] = sorted(now - (then or frozenset()))
            told[f"{name} taken"] = sorted((then or frozenset()) - now)
        elif now != then:
            told[name] = now
    return {name: value for name, value in told.items() if value != []}
