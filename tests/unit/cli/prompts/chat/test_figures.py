"""The dim line and the sums of a session."""

from ai_pal.cli.prompts.chat.answer import ShownAnswer
from ai_pal.cli.prompts.chat.figures import Totals, seconds, summary
from ai_pal.protocol.client import AnyEvent, Cancelled, Done, Failed, Notice, Started
from ai_pal.protocol.usage import Timings, Usage

USAGE = Usage(prompt_tokens=10, cached_tokens=4, completion_tokens=42)
TIMINGS = Timings(first_token=0.123, tokens_per_second=51.34)


def summary_of(*events: AnyEvent) -> str:
    answer = ShownAnswer()
    for event in events:
        answer.add(event)
    return summary(answer)


def test_the_line_says_who_where_and_how_fast() -> None:
    line = summary_of(Started(1, 1, "local", "smollm2"), Done(1, "stop", USAGE, TIMINGS))
    assert line == "smollm2 · this machine · 42 tokens · first 0.12 s · 51.3 tok/s"


def test_an_answer_from_elsewhere_has_a_mark_and_its_price() -> None:
    line = summary_of(Started(1, 3, "openai", "m", remote=True), Done(1, cost=0.0123))
    assert line == "m · ↗ openai · $0.0123"


def test_a_price_that_nobody_knows_is_said_to_be_unknown() -> None:
    line = summary_of(Started(1, 3, "gw", "m", remote=True), Done(1, cost=None))
    assert line == "m · ↗ gw · cost unknown"
    assert summary_of(Started(1, 3, "gw", "m", remote=True), Done(1, cost=0.00002)).endswith("$0.000020")


def test_another_machine_of_the_users_is_called_that() -> None:
    line = summary_of(Started(1, 4, "box", "qwen3", remote=True), Done(1))
    assert line == "qwen3 · ↗ box, a machine of yours"


def test_ollama_on_this_machine_has_no_mark() -> None:
    assert summary_of(Started(1, 2, "ollama", "phi"), Done(1)) == "phi · ollama on this machine"


def test_an_answer_from_here_says_so_when_the_prompt_has_left_before() -> None:
    line = summary_of(Started(1, 1, "local", "smollm2", remote=True), Done(1))
    assert line == "smollm2 · a model of this AI-PAL, but the prompt has left this machine"


def test_a_model_given_as_a_path_is_called_by_its_file() -> None:
    assert summary_of(Started(1, 1, "local", "/models/my.gguf"), Done(1)) == "my.gguf · this machine"


def test_a_providers_model_keeps_its_whole_name() -> None:
    assert summary_of(Started(1, 3, "gw", "/my/llms/Q3", remote=True), Done(1)) == "/my/llms/Q3 · ↗ gw"


def test_an_unusual_end_is_told() -> None:
    started = Started(1, 1, "local", "m")
    cut = Done(1, "length", USAGE, TIMINGS)
    assert summary_of(started, cut).endswith("length limit reached")
    assert summary_of(started, Notice(1, "repeats", "over and over"), cut).endswith("tok/s · stopped")
    assert summary_of(started, Cancelled(1, Usage(completion_tokens=1))).endswith("1 token · stopped")


def test_a_failed_answer_has_no_line_and_a_hostile_name_stays_on_one() -> None:
    assert summary_of(Failed(1, [])) == ""
    assert "\n" not in summary_of(Started(1, 1, "local", "a\nb\x1b[2J"), Done(1))


def test_long_times_lose_their_decimals() -> None:
    assert (seconds(0.004), seconds(9.99), seconds(61.4)) == ("0.00 s", "9.99 s", "61 s")


def test_totals_add_up_over_answers() -> None:
    totals = Totals()
    assert totals.lines() == ["no answers yet"]
    ends: list[AnyEvent] = [
        Failed(1, []),
        Cancelled(1),
        Done(1, "stop", USAGE, TIMINGS),
        Done(1, "stop", USAGE, TIMINGS),
    ]
    for end in ends:
        answer = ShownAnswer()
        answer.add(end)
        totals.add(answer)
    text = "\n".join(totals.lines())
    assert "answers            3" in text
    assert "first token        0.12 s" in text
    assert "20 (8 from the prompt cache)" in text
    assert "84" in text
    assert "51.3 tok/s" in text
