"""Remove for good what people deleted long enough ago. The server does so by itself, too."""

from typing import Any

from django.core.management.base import BaseCommand

from chat.attachment_cleanup import AT_ONCE, clear_attachments, sweep_strays
from chat.organise import PURGED_AT_ONCE, purge_deleted


class Command(BaseCommand):
    help = (
        "Remove conversations that were deleted more than DELETED_KEPT_MINUTES ago, and files that "
        "hang on no message and have not been used for ATTACHMENTS_UNSENT_HOURS."
    )

    def handle(self, **_options: Any) -> None:
        gone = step = purge_deleted()
        while step == PURGED_AT_ONCE:
            step = purge_deleted()
            gone += step
        self.stdout.write(f"{gone} conversations are gone for good.")
        looked_at, files = clear_attachments()
        while looked_at == AT_ONCE:
            looked_at, more = clear_attachments()
            files += more
        self.stdout.write(f"{files + sweep_strays()} files that nothing referred to are gone.")
