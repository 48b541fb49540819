"""A team of nine and their last six weeks: people, folders, budgets, policies, ledger.

python -m tests.screenshots.team people     before anybody signs in
python -m tests.screenshots.team weeks      when the conversations of the pictures are there
"""

from __future__ import annotations

import datetime as dt
import os
import random
import sys
from decimal import Decimal
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.utils import timezone  # noqa: E402

from billing.limits import Budget  # noqa: E402
from billing.models import Call, CallState, PriceEntry, Purpose, UsageRecord, user_ref  # noqa: E402
from billing.money import usd_text  # noqa: E402
from billing.rollup import catch_up  # noqa: E402
from chat.models import Conversation, Favourite, Folder, Message, Role, SavedPrompt  # noqa: E402
from chat.organise_models import TitledBy  # noqa: E402
from routing.models import LanguageModel  # noqa: E402
from routing.policy_models import PolicyVersion  # noqa: E402
from routing.policy_services import go_live, go_shadow, next_version  # noqa: E402
from tests.screenshots.words import (  # noqa: E402
    FLOW,
    HASH,
    ME,
    NOTE,
    OTHERS,
    PASSWORD,
    POOL,
    TICKETS,
)

PEOPLE = {
    "nora": ("Nora Lindqvist", "Engineering", 5),
    "amir": ("Amir Haddad", "Engineering", 8),
    "jonas": ("Jonas Weber", "Engineering", 4),
    "mei": ("Mei Tanaka", "Design", 4),
    "clara": ("Clara Romano", "Design", 2),
    "tomas": ("Tomás Silva", "Support", 6),
    "ada": ("Ada Okafor", "Support", 3),
    "piotr": ("Piotr Nowak", "Support", 2),
    "lena": ("Lena Fischer", "Design", 1),
}
MODELS = {  # share, USD for a million tokens in and out, ms to the first token, provider
    "openai/gpt-5-mini": (30, 0.25, 2.0, 700, "OpenAI"),
    "google/gemini-2.5-flash": (22, 0.3, 2.5, 450, "Google Vertex"),
    "anthropic/claude-sonnet-4.5": (14, 3.0, 15.0, 900, "Anthropic"),
    "deepseek/deepseek-v3.2": (13, 0.27, 0.4, 1100, "DeepInfra"),
    "openai/gpt-5": (8, 1.25, 10.0, 1500, "OpenAI"),
    "mistralai/mistral-medium-3.1": (6, 0.4, 2.0, 500, "Mistral"),
}
DAYS = 44
TITLES = {
    POOL: ("Sizing the database pool", "", 0),
    HASH: ("How a hash table grows", "", 0),
    FLOW: ("How an order travels", "", 0),
    NOTE: ("Release note for the new search", "Launch 2.4", 0),
    TICKETS: ("Support themes of the week", "Research", 0),
}


def people() -> None:
    model: Any = get_user_model()
    for username, (name, group, _) in PEOPLE.items():
        first, _, last = name.partition(" ")
        user = model.objects.create_user(
            username, f"{username}@example.org", PASSWORD, first_name=first, last_name=last
        )
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    nora = model.objects.get(username=ME)
    nora.is_staff = nora.is_superuser = True
    nora.save()
    for slug in ("anthropic/claude-sonnet-4.5", "openai/gpt-5-mini"):
        Favourite.objects.create(user=nora, slug=slug)
    for name, text in (
        ("Review as a colleague", "Point out what is wrong first, then what is good."),
        ("Plain words", "Explain it to a customer who is in a hurry."),
        ("Release note", "Two lines: what is new, and what to press."),
    ):
        SavedPrompt.objects.create(user=nora, name=name, text=text)


def weeks() -> None:
    model: Any = get_user_model()
    nora = model.objects.get(username=ME)
    _conversations(nora)
    _books(model)
    _budgets(nora)
    _policies(nora)


def _conversations(nora: Any) -> None:
    now = timezone.now()
    folders: dict[str, Any] = {"": None}
    for name in ("Launch 2.4", "Research"):
        folders[name] = Folder.objects.create(user=nora, name=name)
    mine = Conversation.objects.filter(user=nora)
    for number, (prompt, (title, folder, days)) in enumerate(TITLES.items()):
        mine.filter(messages__text=prompt).update(
            title=title,
            titled_by=TitledBy.MODEL,
            folder=folders[folder],
            is_pinned=prompt == POOL,
            updated_at=now - dt.timedelta(days=days, minutes=7 * number),
        )
    for number, (title, folder, days, prompt, answer) in enumerate(OTHERS):
        when = now - dt.timedelta(days=days, minutes=40 + 11 * number)
        talk = Conversation.objects.create(
            user=nora, title=title, titled_by=TitledBy.MODEL, folder=folders[folder],
            created_at=when, updated_at=when,
        )  # fmt: skip
        asked = Message.objects.create(
            conversation=talk, role=Role.USER, text=prompt, created_at=when
        )
        talk.head = Message.objects.create(
            conversation=talk, parent=asked, role=Role.ASSISTANT, text=answer,
            html=f"<p>{answer}</p>", created_at=when,
        )  # fmt: skip
        talk.save()


def _books(model: Any) -> None:
    """Calls and their entries: fewer at weekends, more each week, some people more than others."""
    chance = random.Random(7)
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    users = {user.username: user for user in model.objects.filter(username__in=PEOPLE)}
    books = {slug: _price(slug) for slug in MODELS}
    calls: list[Call] = []
    entries: list[UsageRecord] = []
    for back in range(DAYS, 0, -1):
        day = today - dt.timedelta(days=back)
        busy = (0.15 if day.weekday() > 4 else 1.0) * (1.3 - back / DAYS / 1.6)
        for username, (_, _, share) in PEOPLE.items():
            for _ in range(round(busy * share * chance.uniform(1.5, 3.5))):
                when = day + dt.timedelta(minutes=chance.randrange(8 * 60, 18 * 60))
                call, entry = _call(chance, users[username], when, len(calls), books)
                calls.append(call)
                entries.append(entry)
    Call.objects.bulk_create(calls)
    UsageRecord.objects.bulk_create(entries)
    catch_up()


def _price(slug: str) -> PriceEntry:
    known = PriceEntry.objects.filter(model=slug).first()
    return known or PriceEntry.objects.create(model=slug, prices={})


def _call(
    chance: random.Random, user: Any, when: dt.datetime, number: int, books: dict[str, PriceEntry]
) -> tuple[Call, UsageRecord]:
    slug = chance.choices(list(MODELS), [row[0] for row in MODELS.values()])[0]
    _, into, out, ttft, provider = MODELS[slug]
    prompt, completion = chance.randrange(600, 14_000), chance.randrange(120, 2_600)
    cached = prompt // 2 if chance.random() < 0.4 else 0
    micro = round((prompt - cached * 0.9) * into + completion * out, 4)
    known = LanguageModel.objects.filter(slug=slug).first()
    served = (known.canonical_slug if known else "") or slug
    told: dict[str, Any] = {
        "user_ref": user_ref(user),
        "purpose": Purpose.TITLE if chance.random() < 0.1 else Purpose.REPLY,
        "conversation_ref": f"earlier-{number // 4}",
        "message_ref": f"earlier-{number}",
        "requested_model": slug,
        "generation_id": f"gen-{number:08}",
        "served_model": served,
        "provider": provider,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "cached_tokens": cached,
        "ttft_ms": round(chance.lognormvariate(0, 0.4) * ttft),
        "duration_ms": chance.randrange(1500, 24_000),
        "finish_reason": "stop",
        "created_at": when,
    }
    call = Call(user=user, state=CallState.SETTLED, started_at=when, ended_at=when, **told)
    cost = Decimal(usd_text(Decimal(str(micro)) / 10**6))
    return call, UsageRecord(call=call, cost_usd=cost, price_entry=books[slug], **told)


def _budgets(nora: Any) -> None:
    Budget.objects.create(per_month_usd=Decimal(15), requests_per_minute=20)
    Budget.objects.create(user=nora, per_day_usd=Decimal(2), per_month_usd=Decimal(25))
    for name, most in (("Engineering", 90), ("Design", 40), ("Support", 60)):
        Budget.objects.create(group=Group.objects.get(name=name), per_month_usd=Decimal(most))


def _policies(nora: Any) -> None:
    """One that decides, a bolder one beside it, and one of a group."""
    team = PolicyVersion.objects.create(
        name="team", note="Balanced, no training on what we write", no_training=True,
        created_by=nora,
    )  # fmt: skip
    go_live(team)
    go_shadow(next_version(team, {"dial": 3.0, "note": "A notch thriftier"}, by=nora.pk))
    support = PolicyVersion.objects.create(
        name="support", group=Group.objects.get(name="Support"), for_everybody=False, dial=2.5,
        price_cap_usd=Decimal("0.02"), note="Short answers, many of them", created_by=nora,
    )  # fmt: skip
    go_live(support)


if __name__ == "__main__":
    {"people": people, "weeks": weeks}[sys.argv[1]]()
