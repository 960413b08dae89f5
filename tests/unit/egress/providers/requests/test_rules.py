"""What models do not take: by their family's name, by what they refuse, and what is told of it."""

from typing import Any

import pytest

from ai_pal.egress.providers.failures.error_body import Said
from ai_pal.egress.providers.requests import turns
from ai_pal.egress.providers.requests.learned import Learned
from ai_pal.egress.providers.requests.rules import Fitted, Rules, fitted, known, learned
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Message
from ai_pal.protocol.egress import Complete
from ai_pal.protocol.provider import Provider, continues

NOTHING: frozenset[str] = frozenset()


def fit(rules: Rules, **wanted: Any) -> Fitted:
    return fitted(wanted, rules, {}, NOTHING)


@pytest.mark.parametrize(
    ("model", "samples", "stops", "old_limit"),
    [
        ("gpt-4o-mini", True, True, True),
        ("gpt-4.1", True, True, True),
        ("o1", False, True, False),
        ("o3-mini", False, False, False),
        ("o4-mini-2025-04-16", False, False, False),
        ("openai/o3", False, False, False),
        ("gpt-5", False, False, False),
        ("gpt-5-mini-2025-08-07", False, False, False),
        ("openai/gpt-5-nano:free", False, False, False),
        ("gpt-5-chat-latest", True, True, False),
        ("gpt-5.1", True, True, False),
        ("gpt-5.4-mini", True, True, False),
        ("gpt-6", True, True, False),
        ("gpt-oss-120b", True, True, True),
        ("llama-3.3-70b", True, True, True),
        ("olmo-2", True, True, True),
        ("opus-o3", True, True, True),
    ],
)
def test_openais_families(model: str, samples: bool, stops: bool, old_limit: bool) -> None:
    given = fit(known("openai", model, own=False), temperature=0.2, stop=["x"], max_tokens=5).given
    assert ("temperature" in given, "stop" in given, "max_tokens" in given) == (samples, stops, old_limit)
    assert given.get("max_tokens", given.get("max_completion_tokens")) == 5
    assert "max_tokens" not in fit(known("openai", model, own=True), max_tokens=5).given


@pytest.mark.parametrize(
    ("model", "kept"),
    [
        ("claude-3-5-haiku-20241022", ["temperature", "top_p"]),
        ("claude-sonnet-4-20250514", ["temperature", "top_p"]),
        ("claude-opus-4-1", ["temperature"]),
        ("claude-haiku-4-5-20251001", ["temperature"]),
        ("anthropic/claude-sonnet-4.5", ["temperature"]),
        ("claude-opus-4-6", ["temperature"]),
        ("claude-opus-4-7", []),
        ("claude-mythos-preview", []),
        ("claude-sonnet-5", []),
        ("claude-haiku-5-5", []),
        ("smollm2", ["temperature", "top_p"]),
    ],
)
def test_anthropics_families(model: str, kept: list[str]) -> None:
    rules = known("anthropic", model, own=True)
    done = fit(rules, temperature=0.2, top_p=0.9, max_tokens=5)
    assert list(done.given) == [*kept, "max_tokens"] or set(done.given) == {*kept, "max_tokens"}
    assert len(done.told) == 2 - len(kept)


def test_what_is_left_out_or_changed_is_told() -> None:
    rules = Rules(
        refused=frozenset({"seed", "stream_options"}),
        one_of=(("temperature", "top_p"),),
        ranges=(("temperature", 0.0, 1.0), ("max_tokens", 0.0, 64.0), ("k", 0.0, 500.0)),
        blank_stops=False,
    )
    wanted = {
        "temperature": 1.5,
        "top_p": 0.5,
        "k": -3,
        "max_tokens": 100,
        "seed": 7,
        "stop_sequences": ["END", "\n", ""],
        "stream_options": {"include_usage": True},
    }
    done = fitted(wanted, rules, {"top_k": 3, "min_p": 0.1}, {"top_k"})
    assert done.given == {"temperature": 1.0, "k": 0, "max_tokens": 64, "stop_sequences": ["END"], "top_k": 3}
    assert isinstance(done.given["max_tokens"], int)
    assert done.told == (
        "min_p 0.1 is left out, it is not known there",
        "stop '\\n' is left out, blanks are not taken",
        "seed 7 is left out, it is not taken",
        "top_p 0.5 is left out, it is not taken beside temperature",
        "temperature 1.5 is lowered to 1, the most that is taken",
        "max_tokens 100 is lowered to 64, the most that is taken",
        "top_k -3 is raised to 0, the least that is taken",
    )


def test_what_is_the_default_anyway_is_left_out_without_a_word() -> None:
    rules = known("openai", "o3", own=True)
    assert fit(rules, temperature=1.0, top_p=1, presence_penalty=0) == Fitted({})


def taught(words: str, param: str = "", rules: Rules | None = None, status: int = 400, **given: Any) -> Any:
    return learned(rules or Rules(), status, Said(words=words, param=param), given)


@pytest.mark.parametrize(
    ("words", "param", "wanted", "kept"),
    [
        (
            "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1)",
            "temperature",
            {"temperature": 0.2, "top_p": 0.5},
            {"top_p": 0.5},
        ),
        ("temperature: Extra inputs are not permitted", "", {"temperature": 0.2}, {}),
        ("`temperature` is deprecated for this model.", "", {"temperature": 0.2}, {}),
        ("Extra inputs are not permitted", "min_p", {"min_p": 0.1}, {}),
        ("Argument not supported on this model: presencePenalty", "", {"presence_penalty": 0.5}, {}),
        ("Unrecognized request argument supplied: stream_options", "", {"stream_options": {}}, {}),
        (
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
            "",
            {"temperature": 0.2, "top_p": 0.5},
            {"temperature": 0.2},
        ),
        (
            "invalid request: only one of 'presence_penalty' and 'frequency_penalty' can be specified",
            "",
            {"frequency_penalty": 0.1, "presence_penalty": 0.2},
            {"frequency_penalty": 0.1},
        ),
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use another",
            "max_tokens",
            {"max_tokens": 9},
            {"max_completion_tokens": 9},
        ),
        (
            "max_tokens: 100000 > 64000, which is the maximum allowed number of output tokens",
            "",
            {"max_tokens": 100_000},
            {"max_tokens": 64_000},
        ),
        (
            "max_tokens is too large: 100000. This model supports at most 16384 completion tokens",
            "max_tokens",
            {"max_tokens": 100_000},
            {"max_tokens": 16_384},
        ),
        (
            "too many tokens: max tokens must be less than or equal to 4096, the maximum output",
            "",
            {"max_tokens": 8192},
            {"max_tokens": 4096},
        ),
        (
            "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]",
            "",
            {"max_tokens": 10_000},
            {"max_tokens": 8192},
        ),
    ],
)
def test_a_refusal_teaches_how_it_is_done_right(
    words: str, param: str, wanted: dict[str, Any], kept: dict[str, Any]
) -> None:
    rules = taught(words, param, **wanted)
    assert rules is not None
    assert fit(rules, **wanted).given == kept


def test_the_newer_name_of_the_limit_is_given_up_where_it_is_unknown_and_not_tried_again() -> None:
    begun = Rules(limit="max_completion_tokens")
    words = "Unrecognized request argument supplied: {}"
    older = taught(words.format("max_completion_tokens"), rules=begun, max_completion_tokens=9)
    assert fit(older, max_tokens=9).given == {"max_tokens": 9}
    assert taught(words.format("max_tokens"), rules=older, max_tokens=9) is None


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ("Incorrect API key provided", {"temperature": 0.2}),
        ("temperature must be between 0 and 1.0 inclusive.", {"temperature": 1.5}),
        ("Invalid 'temperature': decimal above maximum value. Expected a value <= 2", {"temperature": 3.0}),
        (
            "'response_format' of type 'json_schema' is not supported with this model.",
            {"response_format": {}},
        ),
        ("Unsupported value: 'tool_choice' does not support 'minimal'", {"tool_choice": "minimal"}),
        ("prompt is too long: 210000 tokens > 200000 maximum", {"max_tokens": 8}),
        ("max_tokens: 100 > 50, which is the maximum", {"temperature": 0.2}),
        ("unknown: " + "headers and prompt, temperature " * 20, {"temperature": 0.2}),
        ("", {"temperature": 0.2}),
    ],
)
def test_other_refusals_teach_nothing(words: str, given: dict[str, Any]) -> None:
    assert taught(words, **given) is None


@pytest.mark.parametrize("status", [200, 401, 404, 413, 429, 500])
def test_only_what_was_refused_before_it_was_computed_teaches(status: int) -> None:
    assert taught("temperature: Extra inputs are not permitted", status=status, temperature=0.2) is None


def test_shapes_of_turns_are_learned_too() -> None:
    words = "Conversation roles must alternate user/assistant/user/assistant/..."
    assert taught(words).shapes == {"joined"}
    assert taught("System role not supported").shapes == {"system_as_user"}
    assert taught("messages: text content blocks must be non-empty").shapes == {"spoken"}


def said(*turns: str) -> list[Message]:
    roles = {"s": "system", "u": "user", "a": "assistant"}
    return [Message(roles[turn[0]], turn[1:]) for turn in turns]  # type: ignore[arg-type]


def test_turns_in_the_shape_that_is_demanded() -> None:
    assert turns.spoken(said("s ", "uhi", "a\n", "uthere")) == said("uhi", "uthere")
    assert turns.joined(said("uhi", "uthere", "ayes")) == said("uhi\n\nthere", "ayes")
    assert turns.user_first(said("ayes", "uhi")) == said("u[...]", "ayes", "uhi")
    assert turns.user_first(said("uhi")) == said("uhi")
    assert turns.system_first(said("uhi", "sone", "ayes", "stwo")) == said("sone\n\ntwo", "uhi", "ayes")
    assert turns.system_as_user(said("sbe kind", "uhi")) == said("ube kind\n\nhi")
    assert turns.trimmed_end(said("uhi ", "ayes \n")) == said("uhi ", "ayes")
    assert turns.trimmed_end(said("uhi ")) == said("uhi ")


def test_a_blank_last_turn_is_refused_before_it_would_become_something_else() -> None:
    with pytest.raises(AiPalError) as refused:
        turns.spoken(said("uhi", "ayes", "u "))
    assert refused.value.code == Code.EMPTY_PROMPT
    assert turns.spoken(said("uhi", "a ")) == said("uhi")


def test_who_goes_on_with_words_that_were_put_into_its_mouth() -> None:
    assert continues("anthropic", "claude-haiku-4-5")
    assert continues("anthropic", "smollm2")
    assert not continues("anthropic", "claude-opus-4-6")
    assert not continues("anthropic", "anthropic/claude-sonnet-5")
    assert not continues("openai", "gpt-4")


def test_texts_of_blanks_to_stop_at_are_learned_not_to_be_taken() -> None:
    wanted = ["END", "  "]
    words = "stop_sequences: each stop sequence must contain non-whitespace"
    better = learned(Rules(), 400, Said(words=words), {"stop_sequences": wanted})
    assert better == Rules(blank_stops=False)
    assert fit(better, stop_sequences=wanted).given == {"stop_sequences": ["END"]}


LONGEST = "maximum context length is 4096 tokens"


@pytest.mark.parametrize(
    "words",
    [
        f"{LONGEST}. However, you requested 99999 tokens (5 in the messages, 99994 in the completion).",
        f"'max_tokens' is too large: 99994. {LONGEST} and your request has 5 input tokens (99994 > 4096)",
        f"{LONGEST}. However, you requested 99994 output tokens, your prompt contains 5 input tokens",
        f"{LONGEST}. However, you requested about 99999 tokens (5 of text input, 99994 in the output).",
        "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5 `inputs` tokens and 99994",
        "input length and `max_tokens` exceed context limit: 5 + 99994 > 4096, decrease input length",
    ],
)
def test_an_answer_is_as_long_as_the_window_leaves_room_for(words: str) -> None:
    better = learned(Rules(), 400, Said(words=words), {"max_tokens": 99994})
    assert better is not None
    assert fit(better, max_tokens=99994).given == {"max_tokens": 4091}
    assert learned(better, 400, Said(words=words), {"max_tokens": 4091}) is None, "no third request"


def test_a_prompt_that_is_too_long_by_itself_teaches_nothing() -> None:
    words = f"{LONGEST}. However, you requested 5050 tokens (5000 in the messages, 50 in the completion)"
    assert learned(Rules(), 400, Said(words=words), {"max_tokens": 50}) is None


def test_a_system_role_that_is_not_supported_is_said_by_the_user() -> None:
    words = "Unsupported value: 'messages[0].role' does not support 'system' with this model."
    better = learned(Rules(), 400, Said(words=words, param="messages[0].role"), {})
    assert better == Rules(shapes=frozenset({"system_as_user"}))


def test_the_room_beside_one_prompt_is_not_remembered_for_the_next() -> None:
    request = Complete(1, Provider("gw", "openai", "http://box/v1"), "m", [Message("user", "hi")])
    lessons = Learned()
    lessons.add(request, Rules(blank_stops=False, room=5))
    assert lessons.rules(request, Rules()) == Rules(blank_stops=False)
