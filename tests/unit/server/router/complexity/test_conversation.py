"""A conversation is scored as a whole."""

import pytest

from ai_pal.protocol.content import Message
from ai_pal.server.router.complexity import explain, score

PROOF = "Prove that every continuous function on a compact metric space is uniformly continuous."


def after_a_proof(*turns: str) -> list[Message]:
    """A conversation that begins with a proof and goes on with these turns of the user."""
    messages = [Message("user", PROOF), Message("assistant", "Let f be continuous ...")]
    for turn in turns:
        messages += [Message("user", turn), Message("assistant", "...")]
    return messages[:-1] if turns else messages[:1]


def test_one_turn_is_that_text() -> None:
    assert score(after_a_proof()) == score(PROOF)


@pytest.mark.parametrize(
    "turn", ["and why?", "Can you explain step 2 in more detail?", "Warum?", "为什么", "continue"]
)
def test_a_short_follow_up_is_about_as_hard_as_what_it_asks_about(turn: str) -> None:
    assert score(turn) < 0.5
    assert score(after_a_proof(turn)) > 0.9 * score(PROOF)


@pytest.mark.parametrize(
    "turn", ["thanks, that's all", "ok thank you!", "Vielen Dank!", "谢谢", "merci beaucoup"]
)
def test_thanks_are_not_as_hard_as_what_they_thank_for(turn: str) -> None:
    assert score(after_a_proof(turn)) < 0.3


def test_a_new_question_is_judged_by_itself() -> None:
    assert score(after_a_proof("What is the capital of France?")) < 0.3


def test_each_turn_in_between_makes_the_proof_count_less() -> None:
    assert score(after_a_proof("and why?", "and why?")) < score(after_a_proof("and why?")) < score(PROOF)


def test_a_hard_last_turn_counts_in_full() -> None:
    assert score([Message("user", "hello"), Message("assistant", "Hi!"), Message("user", PROOF)]) == score(
        PROOF
    )


def test_the_explanation_names_the_earlier_turn() -> None:
    assert explain(after_a_proof("and why?")).features[0].name == "earlier turn"


def test_what_the_assistant_said_does_not_count() -> None:
    short, long = Message("assistant", "Hi."), Message("assistant", PROOF * 20)
    assert score([Message("user", "hello"), short, Message("user", "thanks")]) == score(
        [Message("user", "hello"), long, Message("user", "thanks")]
    )


def test_a_system_message_counts_little() -> None:
    plain = [Message("user", "What is the capital of Peru?")]
    assert 0 <= score([Message("system", PROOF * 20), *plain]) - score(plain) < 0.06


@pytest.mark.parametrize("messages", [[], [Message("system", "Be brief.")], [Message("user", "  ")]])
def test_without_a_question_there_is_nothing_to_do(messages: list[Message]) -> None:
    assert score(messages) == 0.0


def test_many_turns_cost_no_more_than_the_last_few() -> None:
    many = after_a_proof(*["and why?"] * 2000)
    assert score(many) == score(many[-100:])
