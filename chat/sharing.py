"""Links that show a conversation to whoever has them: a copy as it was, until it ends."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from billing.audited import note
from chat.attachment_models import Attachment, Kind
from chat.markdown import render
from chat.models import Conversation, Message, Role, Share
from chat.services import branch

LASTING: Final = {"1": "a day", "7": "a week", "30": "30 days", "": "until you end it"}
NAME_CHARS: Final = 80
PICTURE: Final = ("id", "name", "width", "height")
MOST_SHARES: Final = 500  # of one person, open ones and ended


class CannotShare(Exception):
    """`for_person` says why."""

    def __init__(self, for_person: str) -> None:
        super().__init__(for_person)
        self.for_person = for_person


@transaction.atomic
def share(conversation: Conversation, *, days: str, shown_name: str) -> Share:
    """Freeze the branch on show: its texts and the pictures that a model drew, and nothing else.

    No reasoning, no models, no money; of the files that somebody attached only their names.

    Raises CannotShare where there is nothing to show yet.
    """
    if days not in LASTING:
        raise CannotShare("A link lasts a day, a week, 30 days, or until you end it.")
    if Share.objects.filter(user_id=conversation.user_id).count() >= MOST_SHARES:
        raise CannotShare("These are very many links. Remove some of the old ones first.")
    shown = (it for it in branch(conversation) if it.text or it.files)
    copies = [_copy(it) for it in shown if not it.is_running]
    if not copies:
        raise CannotShare("There is nothing to share yet.")
    expires_at = timezone.now() + dt.timedelta(days=int(days)) if days else None
    made = Share.objects.create(
        user_id=conversation.user_id,
        conversation=conversation,
        title=conversation.title,
        shown_name=" ".join(shown_name.split())[:NAME_CHARS],
        messages=copies,
        expires_at=expires_at,
    )
    facts = {"of": f"conversation-{conversation.pk}", "days": days or "until it is ended"}
    note("share-made", subject=f"share-{made.pk}", detail=facts)
    return made


def _copy(message: Message) -> dict[str, Any]:
    """Drawn anew, through the same sanitiser: what was stored may be of an older one."""
    html = render(message.text) if message.role == Role.ASSISTANT else ""
    told: dict[str, Any] = {"role": message.role, "text": message.text, "html": html}
    drawn = [file for file in message.files or () if file.get("made")]
    if drawn:
        told["pictures"] = [{name: file.get(name) for name in PICTURE} for file in drawn]
    if names := [file["name"] for file in message.files or () if not file.get("made")]:
        told["files"] = names
    return told


def picture_in(share: Share, key: str) -> Attachment | None:
    """A picture that a share shows, as long as it is there; None for every other file."""
    shown = {each["id"] for copy in share.messages for each in copy.get("pictures", ())}
    if key not in shown:
        return None
    return Attachment.objects.filter(pk=key, user_id=share.user_id, kind=Kind.IMAGE).first()


@transaction.atomic
def revoke(share: Share) -> None:
    """End it at once, for everybody."""
    if Share.objects.filter(pk=share.pk, revoked_at=None).update(revoked_at=timezone.now()):
        note("share-ended", subject=f"share-{share.pk}")


@transaction.atomic
def forget(share: Share) -> None:
    """Take a link off the list, and its copy out of the database."""
    revoke(share)
    share.delete()
