"""What a search finds, on both databases alike; and that nothing typed is more than words."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts.models import User
from chat import search_index
from chat.models import Conversation, Message
from chat.search import find
from chat.search_text import Term, excerpt, read_terms

SCRIPT = "<script>alert('hit')</script>"


def say(user: User, text: str, *, title: str = "Talk", **fields: Any) -> Message:
    conversation = Conversation.objects.create(user=user, title=title, **fields)
    return Message.objects.create(conversation=conversation, role="user", text=text)


def texts(user: User, query: str) -> list[str]:
    found = Message.objects.owned_by(user).matching(query).order_by("pk")
    return list(found.values_list("text", flat=True))


# --- What is typed


def test_what_is_typed_becomes_terms() -> None:
    assert read_terms('Blue "the SKY is" -grey hori') == [
        Term(("blue",)),
        Term(("the", "sky", "is")),
        Term(("grey",), is_wanted=False),
        Term(("hori",), is_start=True),
    ]


def test_a_finished_word_is_no_beginning() -> None:
    assert read_terms("blue ") == [Term(("blue",))]
    assert read_terms('"blue') == [Term(("blue",))]
    assert read_terms("snake_case") == [Term(("snake", "case"), is_start=True)]


@pytest.mark.parametrize("text", ["", "  ", '"', "-", "-beg", "*", "()&|!:", "\0", "-a -b"])
def test_what_says_nothing_asks_for_nothing(text: str, db: None) -> None:
    assert read_terms(text) == []
    assert not Message.objects.matching(text).exists()


# --- What is found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sky", ["Why is the sky blue?"]),
        ("SKY blue", ["Why is the sky blue?"]),
        ("blue sky", ["Why is the sky blue?"]),
        ('"blue sky"', []),
        ('"sky blue"', ["Why is the sky blue?"]),
        ("sk", ["Why is the sky blue?"]),
        ("sk ", []),
        ("the", ["Why is the sky blue?", "The Crème brûlée of café Zoë"]),
        ("the -sky", ["The Crème brûlée of café Zoë"]),
        ("creme brulee", ["The Crème brûlée of café Zoë"]),
        ("CAFÉ zoe", ["The Crème brûlée of café Zoë"]),
        ("example", ["See www.example.org/a-b_c?x=1 and foo@bar.net"]),
        ("bar", ["See www.example.org/a-b_c?x=1 and foo@bar.net"]),
        ("OR AND NOT", []),
        ("данные", ["Где мои данные"]),
        ("мо", ["Где мои данные"]),
    ],
)
def test_both_databases_find_the_same(ada: User, query: str, found: list[str]) -> None:
    for text in (
        "Why is the sky blue?",
        "The Crème brûlée of café Zoë",
        "See www.example.org/a-b_c?x=1 and foo@bar.net",
        "Где мои данные",
    ):
        say(ada, text)
    assert texts(ada, query) == found


def test_only_ones_own_and_nothing_deleted(ada: User, eve: User) -> None:
    say(ada, "a secret of Ada's")
    say(ada, "a secret thrown away", deleted_at=timezone.now())
    say(ada, "a secret put away", archived_at=timezone.now())
    assert texts(ada, "secret") == ["a secret of Ada's", "a secret put away"]
    assert texts(eve, "secret") == []
    assert find(eve, "secret talk").is_empty


def test_names_are_found_too(ada: User) -> None:
    say(ada, "x", title="Planning a week in Évora")
    say(ada, "x", title="Something else")
    found = find(ada, "week evo").names
    assert [it.title for it in found] == ["Planning a <mark>week</mark> in <mark>Évora</mark>"]


# --- The index stays true


def test_what_is_changed_or_gone_is_found_so(ada: User) -> None:
    message = say(ada, "alpha")
    assert texts(ada, "alpha") == ["alpha"]
    Message.objects.filter(pk=message.pk).update(text="beta")
    assert (texts(ada, "alpha"), texts(ada, "beta")) == ([], ["beta"])
    Message.objects.bulk_create([Message(conversation=message.conversation, text="gamma")])
    assert texts(ada, "gamma") == ["gamma"]
    message.conversation.delete()
    assert (texts(ada, "beta"), texts(ada, "gamma")) == ([], [])


def test_what_a_migration_dropped_is_made_again(ada: User) -> None:
    if connection.vendor != "sqlite":
        pytest.skip("only SQLite keeps the index by triggers")
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER chat_message_search_insert")
    say(ada, "unseen")
    assert texts(ada, "unseen") == []
    search_index.look_after(using="default", plan=["a migration"])
    assert texts(ada, "unseen") == ["unseen"]
    say(ada, "seen again")
    assert texts(ada, "again") == ["seen again"]


def test_the_longest_and_strangest_prompt_can_still_be_saved(ada: User) -> None:
    letters = [chr(number) for number in range(0x20000, 0x20000 + 40_000)]
    message = say(ada, " ".join(letters * 5))  # a tsvector of all of it would be refused
    assert Message.objects.get(pk=message.pk).text.startswith(letters[0])
    assert Message.objects.matching(f"{letters[7]} ").count() == 1


# --- What cannot be done with it


@given(st.text(max_size=60))
def test_terms_are_words_whatever_is_typed(text: str) -> None:
    for term in read_terms(text):
        assert all(word.isalnum() for word in term.words), term


@pytest.mark.parametrize(
    "query",
    [
        "'; DROP TABLE chat_message; --", "a' OR '1'='1", "text:x", "a NEAR b", "{a b}: c", "^a",
        "a:*", "a <-> b", "!a & b", "\\", "a\\", "%s", "a*b", "((((", '""""', "a\0b", "\ud800x",
        "x" * 5000, "a " * 5000, "ﷺ", "İ", "'a'",
    ],
)  # fmt: skip
def test_no_query_is_more_than_words(ada: User, client: Client, query: str) -> None:
    say(ada, "harmless")
    find(ada, query)
    client.force_login(ada)
    if query.isprintable():
        assert client.get(reverse("chat:search"), {"q": query}).status_code == 200
    assert Message.objects.get().text == "harmless"


def test_an_excerpt_marks_what_was_found_and_nothing_else_is_markup() -> None:
    text = f"{'far ' * 60}{SCRIPT} the Hit, & more {'after ' * 60}"
    drawn = excerpt(text, read_terms("hit"))
    assert "&lt;script&gt;alert(&#x27;<mark>hit</mark>&#x27;)&lt;/script&gt;" in drawn
    assert "the <mark>Hit</mark>, &amp; more" in drawn
    assert drawn.startswith("…")
    assert drawn.endswith("…")
    assert len(drawn) < 400


def test_a_page_of_results_escapes_all_of_it(ada: User, client: Client) -> None:
    say(ada, f"hit {SCRIPT}", title=f"hit {SCRIPT}")
    client.force_login(ada)
    html = client.get(reverse("chat:search"), {"q": f"hit {SCRIPT}"}).content.decode()
    assert SCRIPT not in html
    assert "<mark>hit</mark>" in html


# --- Where it opens


def test_a_result_opens_at_its_message(ada: User, eve: User, client: Client) -> None:
    message = say(ada, "here")
    Conversation.objects.update(head=message)
    client.force_login(ada)
    url = reverse("chat:at", args=[message.pk])
    there = message.conversation.get_absolute_url()
    assert client.get(url)["Location"] == f"{there}?from={message.pk}#m{message.pk}"
    client.force_login(eve)
    assert client.get(url).status_code == 404


def test_a_result_on_another_branch_offers_to_show_that_branch(ada: User, client: Client) -> None:
    hidden = say(ada, "hidden")
    shown = Message.objects.create(conversation=hidden.conversation, role="user", text="shown")
    Conversation.objects.update(head=shown)
    client.force_login(ada)
    html = client.get(reverse("chat:at", args=[hidden.pk])).content.decode()
    assert f'action="{reverse("chat:show", args=[hidden.pk])}"' in html
    assert Conversation.objects.get().head_id == shown.pk


# --- How quick it is


def test_a_search_is_answered_by_the_index(ada: User) -> None:
    """The plan, not the clock: a clock fails on a busy machine."""
    if connection.vendor == "sqlite":
        plan = Message.objects.owned_by(ada).matching("needle ").explain()
        assert "VIRTUAL TABLE INDEX" in plan
        return
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "message_full_text" in Message.objects.matching("needle ").order_by().explain()
