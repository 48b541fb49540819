"""What a process of the audit does: begin turns, write replies with the application's runner.

A victim says so when all of its replies are in mid-stream, and then waits to be killed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser

from billing.models import Call
from chat import fragments
from chat.database import in_database
from chat.models import State
from chat.relay import Change
from chat.runner import runner
from chat.services import Job, send
from config.audit.plan import Planned

AT_ONCE = 16
READY = "all of them are in mid-stream"
LOOK_S = 0.005
LONGEST_WAIT_S = 60.0
STOP_AFTER_PIECES = 3


async def write_all(mine: Sequence[Planned]) -> None:
    """Write every reply, a few at a time, and leave as a server leaves that is told to stop."""
    people = await in_database(list_people)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(planned: Planned) -> None:
        async with gate:
            await write(planned, people[planned.number % len(people)])

    await runner.open()
    async with asyncio.TaskGroup() as group:
        for planned in mine:
            group.create_task(one(planned))
    await runner.close()


async def write(planned: Planned, user: AbstractBaseUser) -> None:
    """One reply from the prompt to its settlement; a planned stop comes after a few words."""
    job = await begin(planned, user)
    writer = runner.writers[job.reply]
    task = writer.task
    if planned.is_stopped:
        while job.reply in runner.writers and len(writer.draft.text) < wanted_pieces(planned):  # noqa: ASYNC110 (as a person looks)
            await asyncio.sleep(LOOK_S)
        writer.end(State.STOPPED)
    if task:
        await task


def wanted_pieces(planned: Planned) -> int:
    return 1 if "stall" in planned.prompt else STOP_AFTER_PIECES


async def begin(planned: Planned, user: AbstractBaseUser) -> Job:
    """Send a prompt as the view does."""
    turn = await in_database(
        send,
        user=user,
        conversation=None,
        prompt=planned.prompt,
        choice=planned.choice,
        nonce=f"audit-{planned.number}",
        owner=runner.owner,
    )
    assert turn.job is not None  # noqa: S101 (each nonce is used once)
    change = Change(turn.kind, turn.conversation.pk, turn.reply.pk, turn.after)
    frame = await in_database(fragments.turn, turn.messages, after=turn.after)
    runner.start(turn.job, change, frame)
    await asyncio.sleep(0)
    return turn.job


async def wait_to_be_killed(mine: Sequence[Planned]) -> None:
    """Have all replies in mid-stream, say so, and hold still."""
    people = await in_database(list_people)
    await runner.open()
    jobs = [await begin(planned, people[planned.number % len(people)]) for planned in mine]
    async with asyncio.timeout(LONGEST_WAIT_S):
        while await in_database(without_id, [job.call for job in jobs]):  # noqa: ASYNC110
            await asyncio.sleep(LOOK_S)
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    await asyncio.sleep(LONGEST_WAIT_S)


def list_people() -> list[AbstractBaseUser]:
    return list(get_user_model().objects.order_by("pk"))


def without_id(calls: Sequence[int]) -> bool:
    return Call.objects.filter(pk__in=calls, generation_id=None).exists()
