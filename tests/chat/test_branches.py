"""Editing, asking again, switching and forking: what is saved, and what is refused."""

from __future__ import annotations

import pytest

from accounts.models import User
from billing.models import Call, CallState
from chat.branches import edit, fork, regenerate, show
from chat.drafts import Draft
from chat.errors import EmptyPrompt, NotAnAnswer, NotAPrompt, StillAnswering, TooManyAnswers
from chat.live import _ground, settled_and_live
from chat.models import Conversation, Message, State
from chat.services import Turn, branch
from chat.settlement import Timing, settle_reply
from chat.shown import Branch
from openrouter.events import Usage
from routing.services import NoCandidateFits
from tests.chat.conftest import OWNER, Ask


def settle(turn: Turn, text: str = "Said.") -> Message:
    reply = settle_reply(
        pk=turn.reply.pk,
        call_id=turn.reply.call_id,
        draft=Draft([text], usage=Usage(9, 2, cost_usd=None), model="acme/one"),
        state=State.DONE,
        timing=Timing(None, 1),
    )
    assert reply is not None
    return reply


@pytest.fixture
def talk(ask: Ask) -> Conversation:
    """One, its answer, Two, its answer."""
    first = ask("One", nonce="1")
    settle(first, "First.")
    second = ask("Two", nonce="2", conversation=first.conversation)
    settle(second, "Second.")
    return fresh(first.conversation)


def fresh(conversation: Conversation) -> Conversation:
    return Conversation.objects.get(pk=conversation.pk)


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in branch(fresh(conversation))]


def at(conversation: Conversation, text: str) -> Message:
    return conversation.messages.get(text=text)


def change(user: User, prompt: Message, text: str = "Another", nonce: str = "e") -> Turn:
    return edit(user=user, prompt=prompt, text=text, nonce=nonce, owner=OWNER)


def again(user: User, reply: Message, choice: str | None = None, nonce: str = "g") -> Turn:
    return regenerate(user=user, reply=reply, choice=choice, nonce=nonce, owner=OWNER)


def test_an_edited_prompt_is_a_branch_with_an_answer_of_its_own(
    ada: User, talk: Conversation
) -> None:
    turn = change(ada, at(talk, "One"), "Uno")
    assert texts(talk) == ["Uno", ""]
    assert turn.messages[0].parent_id is None
    assert turn.job is not None
    assert [m["content"] for m in turn.job.request.messages] == ["Uno"]
    assert talk.messages.count() == 6, "the old branch stays"


def test_an_edit_in_the_middle_keeps_what_came_before(ada: User, talk: Conversation) -> None:
    turn = change(ada, at(talk, "Two"), "Deux")
    assert texts(talk) == ["One", "First.", "Deux", ""]
    assert turn.job is not None
    assert [m["content"] for m in turn.job.request.messages] == ["One", "First.", "Deux"]


def test_the_same_edit_twice_is_one_branch(ada: User, talk: Conversation) -> None:
    one = change(ada, at(talk, "Two"))
    two = change(ada, at(talk, "Two"))
    assert two.reply == one.reply
    assert two.job is None
    assert talk.messages.count() == 6
    assert Call.objects.count() == 3


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_edit_changes_nothing(ada: User, talk: Conversation, text: str) -> None:
    with pytest.raises(EmptyPrompt):
        change(ada, at(talk, "Two"), text)
    assert texts(talk) == ["One", "First.", "Two", "Second."]


def test_only_prompts_are_edited_and_only_answers_asked_for_again(
    ada: User, talk: Conversation
) -> None:
    with pytest.raises(NotAPrompt):
        change(ada, at(talk, "First."))
    with pytest.raises(NotAnAnswer):
        again(ada, at(talk, "One"))
    assert talk.messages.count() == 4


def test_nothing_branches_while_an_answer_is_written(
    ask: Ask, ada: User, talk: Conversation
) -> None:
    ask("Three", nonce="3", conversation=talk)
    with pytest.raises(StillAnswering):
        change(ada, at(talk, "One"))
    with pytest.raises(StillAnswering):
        again(ada, at(talk, "First."))
    with pytest.raises(StillAnswering):
        show(at(talk, "One"))


def test_an_answer_is_asked_for_again_beside_the_first(ada: User, talk: Conversation) -> None:
    old = at(talk, "Second.")
    turn = again(ada, old)
    assert turn.reply.parent_id == old.parent_id
    assert texts(talk) == ["One", "First.", "Two", ""]
    settle(turn, "Deuxième.")
    placed = Branch(fresh(talk)).newest().messages[-1]
    assert placed.place == (2, 2, old.pk, None)


@pytest.mark.parametrize("choice", ["acme/one", "umbra/two"])
def test_another_model_may_answer_again_and_the_choice_stays(
    ada: User, talk: Conversation, choice: str
) -> None:
    turn = again(ada, at(talk, "Second."), choice)
    assert turn.job is not None
    assert turn.job.request.model == choice
    assert fresh(talk).choice == talk.choice


def test_the_same_model_is_the_one_that_was_asked(ada: User, talk: Conversation) -> None:
    old = at(talk, "Second.")
    assert old.call is not None
    turn = again(ada, old)
    assert turn.job is not None
    assert turn.job.request.model == old.call.requested_model


def test_a_model_that_is_gone_changes_nothing(ada: User, talk: Conversation) -> None:
    with pytest.raises(NoCandidateFits):
        again(ada, at(talk, "Second."), "nobody/nothing")
    assert texts(talk) == ["One", "First.", "Two", "Second."]


def test_asking_again_is_reserved_like_any_call(ada: User, talk: Conversation) -> None:
    turn = again(ada, at(talk, "Second."))
    assert turn.reply.call is not None
    call = Call.objects.get(pk=turn.reply.call.pk)
    assert (call.state, call.message_ref) == (CallState.RUNNING, str(turn.reply.pk))


def test_one_person_leaves_room_for_others_when_asking_again(
    ask: Ask, ada: User, talk: Conversation, settings: pytest.FixtureRequest
) -> None:
    settings.MAX_STREAMS_PER_USER = 1  # type: ignore[attr-defined]
    ask("Elsewhere", nonce="x")
    with pytest.raises(TooManyAnswers):
        again(ada, at(talk, "Second."))


def test_the_branch_on_show_is_kept_and_goes_down_to_its_newest_end(
    ada: User, talk: Conversation
) -> None:
    settle(change(ada, at(talk, "One"), "Uno"), "Primo.")
    show(at(talk, "One"))
    assert texts(talk) == ["One", "First.", "Two", "Second."]
    show(at(talk, "Uno"))
    assert texts(talk) == ["Uno", "Primo."]


def test_siblings_are_counted_within_their_role_and_parent(ada: User, talk: Conversation) -> None:
    settle(change(ada, at(talk, "One"), "Uno"), "Primo.")
    first, second = Branch(fresh(talk)).newest().messages
    assert first.place == (2, 2, at(talk, "One").pk, None)
    assert second.place.total == 1
    assert Message.objects.get(pk=first.pk).place == first.place, "also where it is asked alone"


def test_a_fork_is_a_copy_up_to_a_message(ada: User, talk: Conversation) -> None:
    copy = fork(user=ada, message=at(talk, "First."), nonce="f")
    assert texts(copy) == ["One", "First."]
    assert copy.title == "One · fork"
    assert texts(talk) == ["One", "First.", "Two", "Second."]
    originals = {message.pk for message in talk.messages.all()}
    assert not originals & {message.pk for message in copy.messages.all()}
    kept = copy.messages.get(text="First.")
    assert kept.usage_id == at(talk, "First.").usage_id
    assert kept.html == at(talk, "First.").html


def test_the_same_fork_twice_is_one(ada: User, eve: User, talk: Conversation) -> None:
    first = fork(user=ada, message=at(talk, "First."), nonce="f")
    assert fork(user=ada, message=at(talk, "First."), nonce="f") == first
    assert fork(user=ada, message=at(talk, "First."), nonce="g") != first
    assert fork(user=eve, message=at(talk, "First."), nonce="f") != first


def test_a_fork_of_a_fork_keeps_one_name(ada: User, talk: Conversation) -> None:
    first = fork(user=ada, message=at(talk, "First."), nonce="f")
    second = fork(user=ada, message=at(first, "First."), nonce="g")
    assert second.title == "One · fork"


def test_what_is_still_written_is_not_forked(ask: Ask, ada: User, talk: Conversation) -> None:
    turn = ask("Three", nonce="3", conversation=talk)
    with pytest.raises(StillAnswering):
        fork(user=ada, message=turn.reply, nonce="f")
    assert Conversation.objects.count() == 1


def test_a_page_keeps_what_both_branches_share(ada: User, talk: Conversation) -> None:
    old = at(talk, "Second.").pk
    again(ada, at(talk, "Second."))
    shown = Branch(fresh(talk))
    assert _ground(shown, old) == (at(talk, "Two").pk, [old])
    assert _ground(shown, at(talk, "Two").pk) == (at(talk, "Two").pk, [])


def test_a_page_of_an_edited_beginning_keeps_nothing(ada: User, talk: Conversation) -> None:
    pks = [at(talk, text).pk for text in ("Second.", "Two", "First.", "One")]
    change(ada, at(talk, "One"))
    assert _ground(Branch(fresh(talk)), pks[0]) == (0, pks)


def test_what_ended_well_is_settled_on_the_page(talk: Conversation) -> None:
    settled, live = settled_and_live(Branch(talk).newest().messages)
    assert [message.text for message in settled] == ["One", "First.", "Two", "Second."]
    assert live == []
