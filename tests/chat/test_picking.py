"""The list of models, and what a person marks in it."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from chat.picking import _makers, choices, set_favourite, words_of
from routing.services import Pickable


@pytest.mark.parametrize(
    ("tokens", "words"),
    [(512, "512"), (8_192, "8k"), (128_000, "128k"), (1_000_000, "1M"), (1_048_576, "1.05M")],
)
def test_context_is_written_as_people_say_it(tokens: int, words: str) -> None:
    assert words_of(tokens) == words


def test_a_favourite_is_kept_per_person(ada: User, eve: User) -> None:
    assert set_favourite(user=ada, slug="acme/one", is_favourite=True)
    assert set_favourite(user=ada, slug="acme/one", is_favourite=True), "twice is once"
    marked = {choice.slug: choice.is_favourite for choice in choices(ada)}
    assert marked == {"acme/one": True, "umbra/two": False}
    assert not any(choice.is_favourite for choice in choices(eve))
    set_favourite(user=ada, slug="acme/one", is_favourite=False)
    assert not any(choice.is_favourite for choice in choices(ada))


def test_only_models_that_exist_are_favourites(client: Client, ada: User) -> None:
    client.force_login(ada)
    url = reverse("chat:favourite")
    assert client.post(url, {"slug": "nobody/nothing", "on": "1"}).status_code == 404
    assert client.post(url, {"slug": "acme/one", "on": "1"}).status_code == 204
    html = client.get(reverse("chat:models")).content.decode()
    assert html.index("acme/one") < html.index('data-author="umbra"')
    assert html.count('value="acme/one"') == 1


def test_a_maker_is_named_as_people_write_it() -> None:
    models = [
        Pickable("x-ai/old", "Old", "x-ai", "", None, reads_images=False),
        Pickable("x-ai/grok", "xAI: Grok", "x-ai", "", None, reads_images=False),
        Pickable("acme/one", "One", "acme", "", None, reads_images=False),
    ]
    assert _makers(models) == {"x-ai": "xAI"}
