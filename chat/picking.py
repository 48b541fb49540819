"""The list to pick a model from: the whole catalogue, a person's favourites first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from chat.models import Favourite
from routing.candidates import Candidate
from routing.services import Pickable, catalogue, pickable_models

MOST = 100  # favourites of one person
TAKES = (("image", "images"), ("file", "files"), ("audio", "audio"), ("video", "video"))


@dataclass(frozen=True, slots=True)
class Choice:
    """A model as the list shows it."""

    slug: str
    name: str
    author: str
    maker: str  # its author, as people write the name
    price_text: str
    facts: str  # how much it reads, and what else than text it takes
    is_favourite: bool
    takes: str  # kinds of input besides text, with a blank between them


def choices(user: AbstractBaseUser) -> list[Choice]:
    """Every model that may be pinned, by author and name; `openrouter/auto` is not among them."""
    known = {candidate.slug: candidate for candidate in catalogue()}
    favourites = favourites_of(user)
    models = [model for model in pickable_models() if model.slug != "openrouter/auto"]
    makers = _makers(models)
    return [_choice(model, known[model.slug], makers, favourites) for model in models]


def _makers(models: Sequence[Pickable]) -> dict[str, str]:
    """Author → what stands before the colon of a model's name: `x-ai` → `xAI`."""
    named = [(model.author, *model.name.partition(": ")) for model in models]
    return {author: maker for author, maker, colon, _ in reversed(named) if colon}


def favourites_of(user: AbstractBaseUser) -> set[str]:
    return set(Favourite.objects.filter(user_id=user.pk).values_list("slug", flat=True))


@transaction.atomic
def set_favourite(*, user: AbstractBaseUser, slug: str, is_favourite: bool) -> bool:
    """Keep a model among a person's favourites, or no longer. False: there is no such model."""
    kept = Favourite.objects.filter(user_id=user.pk)
    if not is_favourite:
        kept.filter(slug=slug).delete()
        return True
    if all(model.slug != slug for model in pickable_models()) or kept.count() >= MOST:
        return False
    Favourite.objects.get_or_create(user_id=user.pk, slug=slug)
    return True


def _choice(
    model: Pickable,
    candidate: Candidate,
    makers: Mapping[str, str],
    favourites: Collection[str],
) -> Choice:
    return Choice(
        slug=model.slug,
        name=model.name.partition(": ")[2] or model.name,
        author=model.author,
        maker=makers.get(model.author, model.author),
        price_text=model.price_text.replace(" per million tokens", ""),
        facts=" · ".join(_facts(candidate)),
        is_favourite=model.slug in favourites,
        takes=takes_of(candidate),
    )


def takes_of(candidate: Candidate) -> str:
    """Never empty, so that a browser can tell it from what is not known."""
    return " ".join(["text", *(kind for kind, _ in TAKES if kind in candidate.inputs)])


def _facts(candidate: Candidate) -> Sequence[str]:
    facts = [f"{words_of(candidate.context_tokens)} context"] if candidate.context_tokens else []
    facts += [word for kind, word in TAKES if kind in candidate.inputs]
    facts += ["draws"] if "picture" in candidate.offers else []
    facts += ["tools"] if candidate.tools else []
    return [*facts, "reasoning"] if candidate.reasoning.supported else facts


def words_of(tokens: int) -> str:
    """`128k`, `1.05M`: as models are talked of."""
    if tokens >= 1_000_000:
        return f"{tokens / 1_000_000:.2f}".rstrip("0").rstrip(".") + "M"
    return f"{tokens / 1000:.0f}k" if tokens >= 1000 else str(tokens)
