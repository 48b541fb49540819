"""A conversation's name, written by a cheap model once its first answer is there.

It is a call of its own (purpose "title"): reserved, held against the budget and settled like any
other, and nobody waits for it. Where it may not or cannot be made, the prompt's first words stay.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction

from billing.budgets import AllowanceSpent, require_allowance
from billing.keys import NoUsableKey, key_for
from billing.models import Purpose
from billing.services import begin_again, note_generation_id, release_call, reserve_call
from chat.database import in_database
from chat.drafts import Draft
from chat.models import Conversation, Message, Role, State, TitledBy
from chat.relay import Change, Relay
from chat.replies import ChatClient
from chat.services import branch
from chat.settlement import end_with
from chat.tokens import tokens_of
from openrouter.errors import OpenRouterError, ProtocolError
from openrouter.events import Identified, Retrying
from openrouter.types import ChatRequest
from routing.policies import THRIFTY
from routing.policy_shelf import policy_for
from routing.services import NoCandidateFits, choose_model

logger = logging.getLogger(__name__)

TIMEOUT_S: Final = 60.0
MOST_TOKENS: Final = 200
READ_CHARS: Final = 1500  # of the question and of the answer
TITLE_CHARS: Final = 80
TASK: Final = (
    "Write the title of a conversation: at most six words, in the language of the conversation,"
    " without quotation marks and without a full stop. Answer with the title alone."
)
_ORNAMENT = re.compile(
    r"^(?:title|titel)\s*:\s*|^[\s#*_>`\"'“”„«»-]+|[\s*_`\"'“”„«»]+$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class TitleJob:
    conversation: UUID
    call: int
    request: ChatRequest


async def entitle(conversation: UUID, client: ChatClient, relay: Relay) -> None:
    """Name it if it is due, and show the name on every tab."""
    job = await _begun(conversation)
    if job and await write_title(job, client):
        change = Change("titled", conversation)
        relay.announce(change, await in_database(change.draw))


async def _begun(conversation: UUID) -> TitleJob | None:
    """The reserved call. One that nobody makes any more, for this process ends, is given up."""
    beginning = asyncio.create_task(in_database(begin_title, conversation))
    try:
        return await asyncio.shield(beginning)
    except asyncio.CancelledError:
        await asyncio.wait([beginning])
        if beginning.exception() is None and (job := beginning.result()):
            await in_database(release_call, call_id=job.call, error="Restarting")
        raise


@transaction.atomic
def begin_title(pk: UUID) -> TitleJob | None:
    """Reserve the call. None: it is not due, or there is no money, key or model for it."""
    unnamed = Conversation.objects.filter(pk=pk, titled_by=TitledBy.PROMPT, deleted_at=None)
    conversation = unnamed.first() if settings.TITLES == "model" else None
    if conversation is None:
        return None
    history = branch(conversation)
    if [message.role for message in history] != [Role.USER, Role.ASSISTANT]:
        return None
    if history[1].state != State.DONE or not history[1].text:
        return None
    try:
        return _reserve(conversation, history)
    except (AllowanceSpent, NoCandidateFits, NoUsableKey) as error:
        logger.info("Conversation %s keeps its first words: %s", pk, type(error).__name__)
        return None


def _reserve(conversation: Conversation, history: Sequence[Message]) -> TitleJob:
    user = get_user_model().objects.get(pk=conversation.user_id)
    key = key_for(user)
    allowance = require_allowance(user=user, pays_itself=key.is_own)
    text = "\n\n".join(f"{message.role}: {message.text[:READ_CHARS]}" for message in history)
    decision = choose_model(
        text=TASK,
        history_tokens=tokens_of(text),
        choice=settings.TITLE_MODEL,
        policy=replace(policy_for(user.pk), dial=THRIFTY),
        max_completion_tokens=MOST_TOKENS,
        budget_usd=allowance.left_usd,
    )
    call = reserve_call(
        user=user,
        purpose=Purpose.TITLE,
        requested_model=decision.slug,
        fallback_models=decision.fallbacks,
        reserved_usd=decision.worst_case_usd,
        conversation_ref=str(conversation.pk),
        message_ref=history[1].turn_ref,  # its cost stands under the first answer
        allowance=allowance,
        starts_now=True,
        key=key,
    )
    request = ChatRequest(
        model=decision.slug,
        fallbacks=decision.fallbacks,
        messages=[{"role": "system", "content": TASK}, {"role": "user", "content": text}],
        max_completion_tokens=decision.max_completion_tokens,
        provider=decision.privacy or None,
        user=f"user-{user.pk}",
        session_id=str(conversation.pk),
        api_key=key.secret,
    )
    return TitleJob(conversation.pk, call.pk, request)


async def write_title(job: TitleJob, client: ChatClient) -> str:
    """Ask, book what it cost whichever way it ended, and keep the name. "": there is none."""
    draft, call = Draft(), job.call
    try:
        async with asyncio.timeout(TIMEOUT_S), aclosing(client.stream_chat(job.request)) as events:
            async for event in events:
                if isinstance(event, Retrying):
                    call = await in_database(_again, call, draft, event.error)
                draft.apply(event)
                if isinstance(event, Identified) and event.generation_id:
                    generation_id = event.generation_id
                    await in_database(note_generation_id, call_id=call, generation_id=generation_id)
    except OpenRouterError as error:
        draft.failure = draft.failure or error
    except TimeoutError:
        draft.failure = ProtocolError("no title in time")
    finally:
        title = await asyncio.shield(in_database(settle_title, job.conversation, call, draft))
    return title


def _again(call: int, draft: Draft, error: OpenRouterError) -> int:
    following = begin_again(
        call_id=call,
        generation_id=draft.generation_id,
        may_have_cost=error.may_have_cost,
        error=type(error).__name__,
    )
    return following.pk


@transaction.atomic
def settle_title(pk: UUID, call_id: int, draft: Draft) -> str:
    end_with(call_id, draft)
    title = "" if draft.failure else read_title(draft.whole_text)
    if not title:
        return ""
    unnamed = Conversation.objects.filter(pk=pk, titled_by=TitledBy.PROMPT)
    return title if unnamed.update(title=title, titled_by=TitledBy.MODEL) else ""


def read_title(text: str) -> str:
    """The name in what a model said: its first line, without ornament; "" for none."""
    line = next((line for line in text.splitlines() if _ORNAMENT.sub("", line).strip()), "")
    for _ in range(3):  # one ornament may stand within another
        line = _ORNAMENT.sub("", line)
    line = " ".join(line.split()).removesuffix(".")
    return line if len(line) <= TITLE_CHARS else f"{line[: TITLE_CHARS - 1].rstrip()}…"
