"""`manage.py rotate_keys`: encrypt every stored key with the first of KEY_ENCRYPTION_KEYS.

What other apps keep encrypted with them is named by KEYS_ALSO_ROTATED.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.module_loading import import_string

from billing.key_crypto import KeysNotEncrypted, KeyUnreadable, rotated
from billing.key_models import UpstreamKey

UNREADABLE = 2


class Command(BaseCommand):
    help = (
        "Encrypt every stored key anew, with the first of KEY_ENCRYPTION_KEYS; the others may be "
        "dropped afterwards. It may be repeated at any time. "
        "Exit status: 0 done, 2 a key cannot be decrypted by any of them, 1 nothing was done."
    )

    def handle(self, **options: Any) -> None:
        done, unreadable = 0, []
        try:
            for key in UpstreamKey.objects.exclude(token="").iterator():
                try:
                    token = rotated(key.token)
                except KeyUnreadable:
                    unreadable.append(str(key))
                    continue
                # one that was replaced meanwhile has been encrypted with the first key anyway
                done += UpstreamKey.objects.filter(pk=key.pk, token=key.token).update(token=token)
        except KeysNotEncrypted as error:
            raise CommandError(f"Nothing was done: {error}") from error
        for rotate in map(import_string, settings.KEYS_ALSO_ROTATED):
            also_done, also_unreadable = rotate()
            done += also_done
            unreadable += also_unreadable
        self.stdout.write(f"{done} keys are encrypted with the first of KEY_ENCRYPTION_KEYS.")
        if unreadable:
            raise CommandError(
                f"{len(unreadable)} cannot be decrypted with any of them: {', '.join(unreadable)}. "
                "Put the missing one back, or enter these keys anew.",
                returncode=UNREADABLE,
            )
