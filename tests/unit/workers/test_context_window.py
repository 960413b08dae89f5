"""Which turns stay when a conversation outgrows the window."""

from itertools import pairwise

import pytest

from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from workers.context_window import answer_room, first_kept, fit
from workers.engines.echo.text import WordCounter

WINDOW, ROOM = 100, 10


class Counted(WordCounter):
    """Counts how often it is asked."""

    asked = 0

    def content(self, text: str) -> int:
        self.asked += 1
        return super().content(text)


def words(count: int, word: str = "word") -> str:
    return " ".join([word] * count)


def conversation(turns: int, size: int = 10) -> list[Message]:
    """`turns` answered questions of `2 * size` tokens each, and one more question."""
    messages = [Message("system", words(5, "sys"))]
    for turn in range(turns):
        messages += [Message("user", words(size, f"q{turn}")), Message("assistant", words(size, f"a{turn}"))]
    return [*messages, Message("user", words(size, "last"))]


def test_a_short_conversation_is_not_counted_at_all() -> None:
    counter = Counted()
    fitted = fit([Message("user", "hello there")], counter, WINDOW, ROOM)
    assert (fitted.dropped, counter.asked) == (0, 0)
    assert fitted.messages == [Message("user", "hello there")]


def test_a_conversation_that_fits_by_tokens_stays_whole() -> None:
    messages = conversation(3)
    assert fit(messages, WordCounter(), WINDOW, ROOM).messages == messages


def test_the_oldest_turns_go_down_to_the_target() -> None:
    fitted = fit(conversation(4), WordCounter(), WINDOW, ROOM)
    assert fitted.dropped == 2
    assert fitted.tokens == 55
    assert fitted.messages[1].text.startswith("q2")


def test_system_message_and_last_question_stay() -> None:
    messages = conversation(30)
    fitted = fit(messages, WordCounter(), WINDOW, ROOM)
    assert fitted.messages[0] == messages[0]
    assert fitted.messages[-1] == messages[-1]


def test_question_and_answer_go_together() -> None:
    fitted = fit(conversation(9), WordCounter(), WINDOW, ROOM)
    assert [one.role for one in fitted.messages[1:3]] == ["user", "assistant"]


def test_following_turns_keep_the_same_prefix() -> None:
    starts = [fit(conversation(turns), WordCounter(), WINDOW, ROOM).dropped for turns in range(4, 20)]
    assert starts == sorted(starts)
    stays = sum(before == after for before, after in pairwise(starts))
    assert stays >= len(starts) // 4, "the prefix moved at nearly every turn"


def test_a_trimmed_conversation_never_exceeds_the_limit() -> None:
    for turns in range(40):
        for size in (1, 3, 7, 20):
            fitted = fit(conversation(turns, size), WordCounter(), WINDOW, ROOM)
            assert WordCounter().conversation(fitted.messages) <= WINDOW - ROOM


def test_a_single_question_may_use_the_room_of_the_answer() -> None:
    fitted = fit([Message("user", words(WINDOW - 5))], WordCounter(), WINDOW, ROOM)
    assert fitted.tokens == WINDOW - 5


def test_a_question_larger_than_the_window_is_refused_with_both_figures() -> None:
    with pytest.raises(AiPalError, match=r"101 tokens.* 100") as caught:
        fit([Message("user", words(101))], WordCounter(), WINDOW, ROOM)
    assert caught.value.code == "prompt_too_large"


def test_bytes_bound_tokens_in_every_script() -> None:
    text = "é" * 60  # 120 bytes: over the limit by the bound, so it is counted
    counter = Counted()
    assert fit([Message("user", text)], counter, WINDOW, ROOM).dropped == 0
    assert counter.asked > 0


def test_a_template_that_adds_more_than_its_parts_is_counted_as_a_whole() -> None:
    class Heavier(WordCounter):
        def conversation(self, messages: object) -> int:
            return super().conversation(messages) + 10 * len(messages)  # type: ignore[arg-type]

    messages = conversation(3, 12)
    fitted = fit(messages, Heavier(), WINDOW, ROOM)
    assert fitted.dropped > 0
    assert fitted.tokens <= WINDOW - ROOM


@pytest.mark.parametrize(("max_tokens", "room"), [(None, 1024), (100, 100), (5000, 2048), (0, 1)], ids=str)
def test_room_for_the_answer(max_tokens: int | None, room: int) -> None:
    assert answer_room(GenerationOptions(max_tokens=max_tokens), 8192) == room


def test_the_last_turn_stays_whatever_it_costs() -> None:
    assert first_kept([[10, 10], [500]], 0, 90, 70) == 1


@pytest.mark.parametrize(
    ("window", "trained", "advice"),
    [
        (100, 0, "load the model with a larger `context`"),
        (100, 2048, "load the model with a larger `context`"),
        (100, 100, "ask another model: this one was made for 100 tokens"),
    ],
)
def test_a_larger_window_is_advised_only_where_there_is_one(window: int, trained: int, advice: str) -> None:
    with pytest.raises(AiPalError) as caught:
        fit([Message("user", "word " * 500)], WordCounter(), window, 10, trained)
    assert caught.value.code == Code.PROMPT_TOO_LARGE
    assert caught.value.failure.hint == f"shorten the prompt, or {advice}"


def test_where_nothing_may_go_all_of_it_has_to_fit() -> None:
    messages = conversation(4)  # 95 tokens and more: over what leaves room for an answer
    assert fit(messages, WordCounter(), WINDOW, ROOM).dropped
    whole = fit(messages, WordCounter(), 2 * WINDOW, ROOM, trims=False)
    assert (whole.messages, whole.dropped) == (messages, 0)
    with pytest.raises(AiPalError) as refused:
        fit(conversation(6), WordCounter(), WINDOW, ROOM, trims=False)
    assert refused.value.code == Code.PROMPT_TOO_LARGE
