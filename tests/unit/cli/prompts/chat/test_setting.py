"""`/set` in a conversation."""

from pathlib import Path

import pytest

from ai_pal.cli.prompts.chat.setting import NAMES, changed, lines, remark_on
from ai_pal.cli.prompts.wishes import Wishes
from ai_pal.errors import AiPalError
from ai_pal.protocol.options import GenerationOptions, JsonSchema

ARRAY = {"type": "array"}


def after(*arguments: str) -> Wishes:
    wishes = Wishes()
    for argument in arguments:
        wishes = changed(wishes, argument)
    return wishes


@pytest.mark.parametrize(
    ("argument", "wishes"),
    [
        ("temperature 0.2", Wishes(options=GenerationOptions(temperature=0.2))),
        ("parameter temperature 0.2", Wishes(options=GenerationOptions(temperature=0.2))),
        ("--top-p 0.5", Wishes(options=GenerationOptions(top_p=0.5))),
        ("max-tokens 5", Wishes(options=GenerationOptions(max_tokens=5))),
        ("seed -1", Wishes(options=GenerationOptions(seed=-1))),
        ("stop the end", Wishes(options=GenerationOptions(stop=["the end"]))),
        ("top_k 40", Wishes(options=GenerationOptions(top_k=40))),
        ("presence_penalty -0.5", Wishes(options=GenerationOptions(presence_penalty=-0.5))),
        ("think high", Wishes(options=GenerationOptions(thinking="high"))),
        ("think_budget 99", Wishes(options=GenerationOptions(thinking_budget=99))),
        ("prefill Well, ", Wishes(options=GenerationOptions(prefill="Well,"))),
        ('prefill "Yes, "', Wishes(options=GenerationOptions(prefill="Yes, "))),
        ('stop "a b"', Wishes(options=GenerationOptions(stop=["a b"]))),
        ('stop "default"', Wishes(options=GenerationOptions(stop=["default"]))),
        (r'stop "\n"', Wishes(options=GenerationOptions(stop=["\n"]))),
        ("option note 'a b'", Wishes(options=GenerationOptions(extra={"note": "a b"}))),
        ('option note "5"', Wishes(options=GenerationOptions(extra={"note": "5"}))),
        ('temperature "0.2"', Wishes(options=GenerationOptions(temperature=0.2))),
        ('schema {"type": "array"}', Wishes(options=GenerationOptions(response_format=JsonSchema(ARRAY)))),
        ("option top_k 5", Wishes(options=GenerationOptions(top_k=5))),
        ("option stop_repeating true", Wishes(options=GenerationOptions(stop_repeating=True))),
        ("option pace 0.5", Wishes(options=GenerationOptions(extra={"pace": 0.5}))),
        ("option pace=0.5", Wishes(options=GenerationOptions(extra={"pace": 0.5}))),
        ("deadline 2m", Wishes(deadline=120.0)),
        ("keep_alive -1", Wishes(keep_alive=-1.0)),
        ("goal cost", Wishes(goal="cost")),
        ("max_cost 0.01", Wishes(max_cost=0.01)),
    ],
)
def test_what_is_set_is_what_the_options_of_chat_would_make(argument: str, wishes: Wishes) -> None:
    assert after(argument) == wishes


def test_who_switches_thinking_off_takes_its_budget_back() -> None:
    assert after("think_budget 99", "think off") == Wishes(options=GenerationOptions(thinking="off"))
    kept = GenerationOptions(thinking="high", thinking_budget=99)
    assert after("think_budget 99", "think high") == Wishes(options=kept)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "option"])
def test_default_takes_everything_back(name: str, tmp_path: Path) -> None:
    grammar = tmp_path / "g.gbnf"
    grammar.write_text('root ::= "a"')
    values = {"goal": "cost", "deadline": "2m", "stop": "x", "think": "high", "schema": "{}"}
    values["grammar"] = str(grammar)
    assert after(f"{name} {values.get(name, '1')}", f"{name} default") == Wishes()


def test_default_takes_one_option_of_the_engine_back() -> None:
    wishes = after("option a 1", "option b 2", "option a default")
    assert wishes.options.extra == {"b": 2}


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("temprature 1", "did you mean temperature?"),
        ("nonsense 1", "one of: temperature, top_p"),
        ("system Be brief.", "/system TEXT"),
        ("context 4096", "/model NAME?context=N"),
        ("parameter num_ctx 4096", "/model NAME?context=N"),
        ("parameter num_predict 10", "did you mean max_tokens?"),
        ("local-only on", "/local on"),
        ("temperature", "wants a value"),
        ("temperature hot", "temperature is a number of 0 or more, not 'hot'"),
        ("max_tokens 0", "max-tokens"),
        ("goal fun", "invalid choice"),
        ("deadline 0", "a deadline is longer than nothing"),
        ("thinking high", "/think LEVEL"),
        ("think hard", "invalid choice"),
        ("schema nowhere.json", "there is no schema to read"),
        ('schema {"type": "arr"}', "'arr' is no type of JSON"),
        ("schema [1]", "holds no JSON Schema"),
        ("option top_k many", "top_k"),
        ("option pace", "is no option with a value"),
        ("option =1", "is no option with a value"),
        ('stop "a b', "is not in quotes as a whole"),
        ("temperature hot", "/help"),
    ],
)
def test_nonsense_is_refused(argument: str, says: str) -> None:
    with pytest.raises(AiPalError) as caught:
        after(argument)
    failure = caught.value.failure
    assert says in failure.message + failure.hint


def test_blanks_at_the_ends_of_a_text_are_seen() -> None:
    assert lines(after('prefill "Yes, "')) == ['prefill "Yes, "']
    assert lines(after(r'prefill "a\nb"')) == [r'prefill "a\nb"']
    assert lines(after("prefill Well")) == ["prefill Well"]


def test_what_is_set_is_shown() -> None:
    assert lines(Wishes()) == []
    assert lines(after("temperature 0", "stop a", "goal cost", "option pace 0.5")) == [
        "temperature 0.0",
        "stop 'a'",
        "goal cost",
        "option pace 0.5",
    ]


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("option temprature 1", "temprature is no option that all models have; did you mean temperature?"),
        ("option mirostat = 2", "mirostat is no option that all models have; "),
        ("option foo default", ""),
        ("option logprobs 2", ""),
        ("temperature 1", ""),
    ],
)
def test_an_option_that_only_the_model_may_know_is_remarked_on(argument: str, says: str) -> None:
    said = remark_on(argument)
    assert said.startswith(says)
    assert bool(said) == bool(says)
