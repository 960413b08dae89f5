"""What llama.cpp does beyond plain text: schemas, grammars, calls, thoughts, counts, probabilities."""

import json
import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from ai_pal.protocol.content import Message, Reasoning, Text, ToolCall, ToolResult
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonObject, JsonSchema, NamedTool, Tool
from ai_pal.protocol.worker import (
    CompleteText,
    Counted,
    CountTokens,
    Generate,
    GenerationDone,
    GenerationFailed,
    LoadModel,
    Ready,
)
from tests.schemas import COUNT, how_many, problem, random_schemas
from tests.unit.workers.structured.test_gbnf import RIGHT, WRONG
from tests.worker_driver import Answer, WorkerDriver
from workers.structured.rules import schema_of

pytestmark = [pytest.mark.real_model, pytest.mark.timeout(900 + 60 * COUNT)]

TEMPLATES = Path(__file__).parent / "templates"
KEYS = count(1)
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "maxLength": 12}, "days": {"enum": [1, 2, 3]}},
    "required": ["city", "days"],
}
SIZE = {
    "type": "object",
    "properties": {"size": {"type": "integer"}},
    "required": ["size"],
    "additionalProperties": False,
}
WEATHER = Tool("weather", "Tells the weather of a city.", SCHEMA)
CLOCK = Tool("clock", 'Tells the time in a "zone".', {"type": "object", "properties": {}})
FREE = GenerationOptions(temperature=1.0, max_tokens=200)
GREEDY = GenerationOptions(temperature=0.0, max_tokens=24)
QUESTION = [Message("system", ""), Message("user", "What is the weather in Paris?")]
with_ = msgspec.structs.replace


@contextmanager
def loaded(model: Path, template: str = "") -> Iterator[tuple[WorkerDriver, Ready]]:
    options = {"chat_template": str(TEMPLATES / f"{template}.jinja")} if template else {}
    with tempfile.TemporaryDirectory() as folder, WorkerDriver(Path(folder), "llamacpp") as driver:
        ready = driver.load(LoadModel("m", "llamacpp", str(model), context=1024, options=options))
        assert isinstance(ready, Ready)
        yield driver, ready


@pytest.fixture(scope="module")
def plain(short_starter: Path) -> Iterator[WorkerDriver]:
    with loaded(short_starter) as (driver, ready):
        assert not {"tools", "thinking", "infill", "embed", "images"} & set(ready.abilities)
        yield driver


@pytest.fixture(scope="module")
def knowing(starter_model: Path) -> Iterator[WorkerDriver]:
    """The whole starter: what it says makes sense."""
    with loaded(starter_model) as (driver, _):
        yield driver


@pytest.fixture(scope="module")
def caller(short_starter: Path) -> Iterator[WorkerDriver]:
    with loaded(short_starter, "calls") as (driver, ready):
        assert "tools" in ready.abilities
        yield driver


@pytest.fixture(scope="module")
def thinker(short_starter: Path) -> Iterator[WorkerDriver]:
    """Its template opens the thought itself."""
    with loaded(short_starter, "opens_thought") as (driver, ready):
        assert "thinking" in ready.abilities
        yield driver


def ask(driver: WorkerDriver, options: GenerationOptions, messages: list[Message] = QUESTION) -> Answer:
    return driver.do(Generate(next(KEYS), messages, options))


def done(answer: Answer) -> GenerationDone:
    assert isinstance(answer.end, GenerationDone), answer.end
    return answer.end


def refused(answer: Answer, code: str, *words: str) -> None:
    assert isinstance(answer.end, GenerationFailed), answer
    assert answer.end.failure.code == code
    assert not answer.end.failure.retryable
    for word in words:
        assert word in answer.end.failure.message


# Formats.


def test_answers_validate_against_any_schema(plain: WorkerDriver) -> None:
    """So many as AI_PAL_TEST_SCHEMAS says."""
    for number, schema in enumerate(random_schemas(how_many(10))):
        options = with_(FREE, response_format=JsonSchema(schema), max_tokens=900, seed=number)
        answer = ask(plain, options)
        assert done(answer).finish_reason == "stop", schema
        assert problem(schema, answer.text) == "", schema


def test_answers_validate_after_a_thought(thinker: WorkerDriver) -> None:
    for number, schema in enumerate(random_schemas(how_many(4), seed=7)):
        form = JsonSchema(schema)
        options = with_(FREE, response_format=form, thinking_budget=8, seed=number, max_tokens=900)
        answer = ask(thinker, options)
        assert answer.of_kind("reasoning")
        assert done(answer).finish_reason == "stop", schema
        assert problem(schema, answer.text) == "", schema


def test_a_thought_leaves_room_for_what_has_to_validate(thinker: WorkerDriver) -> None:
    answer = ask(thinker, with_(FREE, response_format=JsonSchema(SCHEMA), max_tokens=160, temperature=0.0))
    assert answer.of_kind("reasoning")
    assert problem(SCHEMA, answer.text) == ""


def test_bounds_of_numbers_are_kept(plain: WorkerDriver) -> None:
    schema = {"type": "number", "minimum": 3.5, "exclusiveMaximum": 9, "multipleOf": 0.5}
    for seed in range(4):
        assert (
            problem(schema, ask(plain, with_(FREE, response_format=JsonSchema(schema), seed=seed)).text) == ""
        )


def test_any_object(plain: WorkerDriver) -> None:
    answer = ask(plain, with_(FREE, response_format=JsonObject(), max_tokens=400, temperature=0.0))
    if done(answer).finish_reason == "stop":
        assert isinstance(json.loads(answer.text), dict)
    assert answer.text.startswith("{")


@pytest.mark.parametrize(
    ("part", "path"),
    [
        ({"not": {"type": "string"}}, "#/properties/a/not"),
        ({"type": "array", "uniqueItems": True}, "#/properties/a/uniqueItems"),
        ({"type": "array", "contains": {"type": "string"}}, "#/properties/a/contains"),
        ({"if": {"type": "string"}, "then": {"minLength": 2}}, "#/properties/a/if"),
        ({"type": "string", "pattern": "(?=a)b"}, "#/properties/a"),
        ({"type": "string", "format": "no such format"}, "#/properties/a"),
        ({"$ref": "https://example.com/a"}, "#/properties/a"),
        ({"dependentRequired": {"a": ["b"]}}, "#/properties/a/dependentRequired"),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "#/properties/a"),
    ],
)
def test_what_cannot_be_expressed_is_refused_with_its_path(
    part: dict[str, Any], path: str, plain: WorkerDriver
) -> None:
    schema = {"type": "object", "properties": {"a": part}}
    refused(ask(plain, with_(FREE, response_format=JsonSchema(schema))), "unsupported", path)


def test_a_grammar_holds_and_a_wrong_one_is_refused(plain: WorkerDriver) -> None:
    assert ask(plain, with_(FREE, response_format=Grammar('root ::= "yes" | "no"'))).text in ("yes", "no")
    for wrong in ('root ::= "yes', "", "%llguidance {}\nstart: $$$", "root ::= root"):
        refused(ask(plain, with_(FREE, response_format=Grammar(wrong))), "bad_request", "grammar")
    assert ask(plain, GREEDY).text


@pytest.mark.parametrize("grammar", [*WRONG, *RIGHT])
def test_the_place_of_a_wrong_grammar_is_told(grammar: str, plain: WorkerDriver) -> None:
    answer = ask(plain, with_(FREE, response_format=Grammar(grammar), max_tokens=2))
    if grammar in WRONG:
        refused(answer, "bad_request", WRONG[grammar])
    else:
        done(answer)


def test_what_its_own_compiler_does_not_know_is_no_answer(plain: WorkerDriver) -> None:
    """It counts in sevens from 0 upwards only, and would answer otherwise."""
    schema = {"type": "integer", "maximum": -7, "multipleOf": 7}
    refused(ask(plain, with_(FREE, response_format=JsonSchema(schema))), "unsupported", "did not hold")


def test_an_answer_that_was_cut_is_told_as_such(plain: WorkerDriver) -> None:
    answer = ask(plain, with_(FREE, response_format=JsonSchema(SCHEMA), max_tokens=3))
    assert done(answer).finish_reason == "length"


# Tools.


@pytest.mark.parametrize("choice", ["required", NamedTool("weather"), NamedTool("clock")])
def test_a_forced_call_has_valid_arguments(choice: Any, caller: WorkerDriver) -> None:
    for seed in range(3):
        answer = ask(caller, with_(FREE, tools=[WEATHER, CLOCK], tool_choice=choice, seed=seed))
        assert done(answer).finish_reason == "tool_calls"
        (call,) = answer.of_kind("tool_call")
        tool = {"weather": WEATHER, "clock": CLOCK}[call.name]
        jsonschema.validate(json.loads(call.text), tool.parameters)
        assert choice == "required" or choice.name == call.name
        assert call.call
        assert not answer.text


def test_several_calls_have_ids_of_their_own(caller: WorkerDriver) -> None:
    options = with_(FREE, tools=[WEATHER], tool_choice="required", parallel_tool_calls=True, temperature=0.0)
    calls = ask(caller, options).of_kind("tool_call")
    assert len({call.call for call in calls}) == len(calls) > 1
    for call in calls[:-1]:
        jsonschema.validate(json.loads(call.text), SCHEMA)


def test_a_call_that_was_cut_is_told_as_such(caller: WorkerDriver) -> None:
    answer = ask(caller, with_(FREE, tools=[WEATHER], tool_choice="required", max_tokens=12))
    assert done(answer).finish_reason == "length"


@pytest.mark.parametrize("form", [JsonSchema(SIZE), JsonObject()])
def test_a_call_or_an_answer_of_a_form_validates(form: JsonObject | JsonSchema, caller: WorkerDriver) -> None:
    kinds: set[str] = set()
    for seed in range(12):
        answer = ask(caller, with_(FREE, tools=[WEATHER, CLOCK], response_format=form, seed=seed))
        calls = answer.of_kind("tool_call")
        if done(answer).finish_reason == "length":
            continue
        kinds.add(done(answer).finish_reason)
        if calls:
            (call,) = calls
            tool = {"weather": WEATHER, "clock": CLOCK}[call.name]
            jsonschema.validate(json.loads(call.text), tool.parameters)
            assert not answer.text
        else:
            jsonschema.validate(json.loads(answer.text), schema_of(form))
    assert kinds <= {"tool_calls", "stop"}
    assert kinds


def test_what_stops_an_answer_of_a_form_stops_no_call_beside_it(caller: WorkerDriver) -> None:
    options = with_(FREE, tools=[WEATHER], response_format=JsonSchema(SIZE), stop=['"size"', '"city"'])
    for seed in range(6):
        answer = ask(caller, with_(options, seed=seed))
        if not answer.of_kind("tool_call"):
            assert (answer.text, done(answer).stop) == ("{", '"size"')
        elif done(answer).finish_reason == "tool_calls":
            jsonschema.validate(json.loads(answer.of_kind("tool_call")[0].text), SCHEMA)


def test_several_calls_may_stand_beside_a_form(caller: WorkerDriver) -> None:
    ids = {"type": "object", "properties": {"zzz": {"enum": [1]}}, "required": ["zzz"]}
    options = with_(FREE, tools=[WEATHER], response_format=JsonSchema(ids), parallel_tool_calls=True)
    counts = {len(ask(caller, with_(options, seed=seed)).of_kind("tool_call")) for seed in range(8)}
    assert max(counts) > 1


def test_a_grammar_beside_tools_is_refused(caller: WorkerDriver) -> None:
    options = with_(FREE, tools=[WEATHER], response_format=Grammar('root ::= "yes"'))
    refused(ask(caller, options), "unsupported", "grammar")


def test_tools_may_be_left_alone(caller: WorkerDriver) -> None:
    for choice in ("auto", "none", None):
        answer = ask(caller, with_(GREEDY, tools=[WEATHER], tool_choice=choice))
        assert answer.grown


def test_a_tool_that_is_not_there_cannot_be_wanted(caller: WorkerDriver) -> None:
    refused(ask(caller, with_(FREE, tools=[CLOCK], tool_choice=NamedTool("dice"))), "bad_request", "dice")


def test_arguments_that_cannot_be_expressed_are_refused(caller: WorkerDriver) -> None:
    odd = Tool("odd", "", {"type": "object", "properties": {"a": {"not": {}}}})
    answer = ask(caller, with_(FREE, tools=[odd], tool_choice="required"))
    refused(answer, "unsupported", "odd", "#/properties/a/not")


def test_arguments_that_were_cut_cannot_be_sent_back(caller: WorkerDriver) -> None:
    history = [*QUESTION, Message("assistant", [ToolCall("a", "weather", '{"city": "Par')])]
    refused(ask(caller, with_(GREEDY, tools=[WEATHER]), history), "bad_request", "weather")


def test_a_template_without_tools_is_not_asked_to_call(plain: WorkerDriver) -> None:
    refused(ask(plain, with_(FREE, tools=[WEATHER])), "unsupported", "tools")


# Thoughts.


def test_thoughts_come_apart_and_end_at_their_budget(thinker: WorkerDriver) -> None:
    answer = ask(thinker, with_(GREEDY, thinking_budget=6))
    assert [part.kind for _, part in sorted(answer.grown.items())] == ["reasoning", "text"]
    assert "think>" not in answer.text + answer.grown[0].text


def test_a_thought_without_an_end_is_a_thought(thinker: WorkerDriver) -> None:
    answer = ask(thinker, with_(GREEDY, max_tokens=12))
    assert [part.kind for part in answer.grown.values()] == ["reasoning"]
    assert done(answer).finish_reason == "length"


def test_a_stop_text_is_not_looked_for_in_thoughts(thinker: WorkerDriver) -> None:
    whole = ask(thinker, with_(GREEDY, thinking_budget=6))
    stop = whole.grown[0].text.split()[0]
    answer = ask(thinker, with_(GREEDY, thinking_budget=6, stop=[stop]))
    assert answer.grown[0].text == whole.grown[0].text
    assert answer.text == whole.text.partition(stop)[0]


def test_what_a_template_cannot_do_about_thoughts_is_refused(
    thinker: WorkerDriver, plain: WorkerDriver
) -> None:
    refused(ask(plain, with_(GREEDY, thinking="low")), "unsupported", "think")
    refused(ask(plain, with_(GREEDY, thinking="on")), "unsupported", "think")
    refused(ask(plain, with_(GREEDY, thinking_budget=5)), "unsupported", "think")
    assert ask(plain, with_(GREEDY, thinking="off")).text


def test_thinking_is_switched_where_the_template_can(short_starter: Path) -> None:
    with loaded(short_starter, "may_think") as (driver, _):
        tokens = {
            value: done(ask(driver, with_(GREEDY, thinking=value, max_tokens=1))).usage.prompt_tokens
            for value in ("on", "off")
        }
        assert tokens["off"] > tokens["on"]  # the closed thought is part of the prompt
        said = [*QUESTION, Message("assistant", [Reasoning("Let me see. " * 9), Text("Sunny.")])]
        said.append(Message("user", "And now?"))
        forgot = [*QUESTION, Message("assistant", "Sunny."), said[-1]]
        assert _counted(driver, said) > _counted(driver, forgot)
    with loaded(short_starter) as (driver, _):
        assert _counted(driver, said) == _counted(driver, forgot)


# Numbers.


def _counted(driver: WorkerDriver, messages: list[Message], options: GenerationOptions = GREEDY) -> int:
    end = driver.do(CountTokens(next(KEYS), messages, options)).end
    assert isinstance(end, Counted), end
    return end.tokens


def test_what_is_counted_is_what_is_read(caller: WorkerDriver, plain: WorkerDriver) -> None:
    history = [*QUESTION, Message("assistant", [ToolCall("a", "clock", "{}")])]
    history.append(Message("tool", [ToolResult("a", "ten past nine")]))
    options = with_(GREEDY, tools=[WEATHER, CLOCK], max_tokens=2)
    for driver, messages, one in (
        (caller, history, options),
        (caller, QUESTION, with_(options, tool_choice="required")),
        (plain, QUESTION, with_(GREEDY, prefill="The weather is", max_tokens=2)),
        (plain, [Message("user", "hello")], with_(GREEDY, max_tokens=2)),
    ):
        answer = ask(driver, one, messages)
        assert done(answer).usage.prompt_tokens == _counted(driver, messages, one)


def test_probabilities_come_with_their_tokens(plain: WorkerDriver) -> None:
    answer = ask(plain, with_(GREEDY, max_tokens=6, logprobs=3))
    assert sorted(answer.logprobs) == list(range(6))
    assert b"".join(one.data for _, one in sorted(answer.logprobs.items())).decode() == answer.text
    for one in answer.logprobs.values():
        assert len(one.top) == 3
        assert one.logprob <= 0
        assert one.id >= 0
        assert math.isclose(max(other.logprob for other in one.top), one.logprob, abs_tol=1e-4)
    assert not ask(plain, with_(GREEDY, max_tokens=2, logprobs=0)).logprobs[0].top


def test_an_answer_goes_on_from_its_prefill(knowing: WorkerDriver) -> None:
    answer = ask(knowing, with_(GREEDY, prefill="The weather in Paris is"))
    assert answer.text.startswith("The weather in Paris is ")
    assert len(answer.text) > 30
    refused(ask(knowing, with_(GREEDY, prefill="x", response_format=JsonObject())), "bad_request", "begins")


def test_a_token_can_be_forbidden(plain: WorkerDriver) -> None:
    first = ask(plain, with_(GREEDY, max_tokens=1, logprobs=0)).logprobs[0]
    other = ask(plain, with_(GREEDY, max_tokens=1, logprobs=0, logit_bias={first.id: -100.0})).logprobs[0]
    assert other.id != first.id


def test_the_other_options_are_taken(plain: WorkerDriver) -> None:
    options = with_(FREE, max_tokens=8, top_k=1, min_p=0.05, presence_penalty=0.1, frequency_penalty=0.1)
    same = {ask(plain, with_(options, repeat_penalty=1.1, seed=seed)).text for seed in (1, 2, -1)}
    assert len(same) == 1  # with the one most probable token there is no choice


def test_raw_text_goes_on(knowing: WorkerDriver) -> None:
    answer = knowing.do(CompleteText(next(KEYS), "The capital of France is", None, with_(GREEDY, logprobs=0)))
    assert answer.text.startswith(" Paris")
    assert done(answer).usage.prompt_tokens == 5
    assert len(answer.logprobs) == 24
    held = CompleteText(next(KEYS), "x", None, with_(FREE, response_format=JsonSchema(SCHEMA)))
    assert problem(SCHEMA, knowing.do(held).text) == ""
    refused(knowing.do(CompleteText(next(KEYS), "x", "y")), "unsupported", "fill in")
    refused(knowing.do(CompleteText(next(KEYS), "word " * 2000)), "prompt_too_large", "1024")
