"""What a model can be asked for, on small random models with templates like those of real families: forms,
tools, thoughts, counts. Random models say anything, so what holds here holds for any model."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ai_pal.errors import AiPalError, Failure
from ai_pal.protocol.content import Message, Reasoning, ToolCall, ToolResult
from ai_pal.protocol.options import GenerationOptions, Grammar, JsonObject, JsonSchema, NamedTool, Tool
from ai_pal.protocol.thinking_levels import BUDGETS
from ai_pal.protocol.worker import CompleteText, CountTokens
from tests import chat_templates, schemas, tiny_models
from tests.template_kinds.named import KINDS
from tests.template_kinds.writing import jinja
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded

QUESTION = "Where do the ships sail?"
WILD = {"temperature": 1.0, "top_p": 1.0, "max_tokens": 1500}
WEATHER = Tool(
    "weather",
    "says how it is",
    {
        "type": "object",
        "properties": {
            "city": {"$ref": "#/$defs/city"},
            "days": {"type": "integer", "minimum": 1, "maximum": 9},
        },
        "required": ["city", "days"],
        "additionalProperties": False,
        "$defs": {"city": {"enum": ["Riga", "Oslo"]}},
    },
)
CLOCK = Tool("clock", "", {"type": "object", "properties": {}, "additionalProperties": False})
SMALL = {
    "type": "object",
    "properties": {"a": {"enum": [1, 2]}, "b": {"type": "boolean"}},
    "required": ["a", "b"],
    "additionalProperties": False,
}
TEMPLATES = {
    "plain": tiny_models.TEMPLATE,
    "hermes": chat_templates.HERMES,
    "llama": chat_templates.LLAMA,
    "mistral": chat_templates.MISTRAL,
    "always": chat_templates.THINKS_ALWAYS,
    "asked": chat_templates.THINKS_IF_ASKED,
    "marked": chat_templates.HERMES,
    "keys": jinja(KINDS["glm-45"]),
    "fenced": jinja(KINDS["deepseek-r1"]),
}
MARKS = {"marked": ("<tool_call>", "</tool_call>")}
"""Tokens of their own for what a template writes."""


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Loaded]]:
    """A loaded model for each template."""
    root = tmp_path_factory.mktemp("models")
    made = {}
    for name, template in TEMPLATES.items():
        marks = MARKS.get(name, ())
        folder = tiny_models.save(root / name, "llama", template, marks, max_position_embeddings=2048)
        made[name] = Loaded(folder, 2048, dtype="float32")
    yield made
    for engine in made.values():
        engine.engine.close()


def wild(seed: int, **more: Any) -> GenerationOptions:
    return GenerationOptions(**{**WILD, "seed": seed, **more})


def refusal(engine: Loaded, said: str | list[Message], options: GenerationOptions) -> Failure:
    try:
        failure = engine.ask(said, options).failure
    except AiPalError as error:
        failure = error.failure
    assert failure is not None
    return failure


# Forms.


def test_answers_validate_against_any_schema(engines: dict[str, Loaded]) -> None:
    asked = list(enumerate(schemas.random_schemas()))
    for begin in range(0, len(asked), 8):
        some = asked[begin : begin + 8]
        keys = [
            engines["plain"].begin(QUESTION, wild(number, response_format=JsonSchema(schema)))
            for number, schema in some
        ]
        for key, (_, schema) in zip(keys, some, strict=True):
            answer = engines["plain"].sink.wait_for_end(key)
            assert (answer.failure, answer.finish_reason) == (None, "stop"), schema
            assert not schemas.problem(schema, answer.text), (schema, answer.text)


def test_rows_beside_a_bound_one_are_free(engines: dict[str, Loaded]) -> None:
    free = GenerationOptions(temperature=0.0, max_tokens=40, extra={"ignore_eos": True})
    alone = engines["plain"].ask(QUESTION, free).text
    bound = engines["plain"].begin(QUESTION, wild(1, response_format=JsonSchema(SMALL)))
    beside = engines["plain"].begin(QUESTION, free)
    assert engines["plain"].sink.wait_for_end(beside).text == alone
    assert not schemas.problem(SMALL, engines["plain"].sink.wait_for_end(bound).text)


def test_an_answer_in_json_is_an_object(engines: dict[str, Loaded]) -> None:
    bias = {token: -100.0 for token in range(400) if token == 0}
    for seed in range(3):
        answer = engines["plain"].ask(QUESTION, wild(seed, response_format=JsonObject(), logit_bias=bias))
        if answer.finish_reason == "stop":
            assert isinstance(json.loads(answer.text), dict)
        assert answer.text.startswith("{")


@pytest.mark.parametrize(
    ("schema", "path"),
    [
        ({"properties": {"a": {"not": {"type": "string"}}}}, "#/properties/a/not"),
        ({"type": "array", "items": {"type": "string", "format": "nosuch"}}, "#/items/format"),
        (
            {
                "properties": {"a": {"$ref": "#/$defs/x"}},
                "$defs": {"x": {"uniqueItems": True, "type": "array"}},
            },
            "#/$defs/x/uniqueItems",
        ),
        ({"properties": {"a": {"$ref": "#/nowhere"}}}, "#/properties/a/$ref"),
        ({"anyOf": [{"type": "null"}, {"type": "string", "pattern": "(?=a)b"}]}, "#/anyOf/1/pattern"),
    ],
    ids=str,
)
def test_what_cannot_be_expressed_is_refused_with_its_path(
    schema: dict[str, Any], path: str, engines: dict[str, Loaded]
) -> None:
    failure = refusal(engines["plain"], QUESTION, GenerationOptions(response_format=JsonSchema(schema)))
    assert failure.code == "unsupported"
    assert f" at {path}:" in failure.message
    assert failure.hint


def test_a_gbnf_grammar_is_not_for_this_engine(engines: dict[str, Loaded]) -> None:
    options = GenerationOptions(response_format=Grammar('root ::= "x"'))
    assert refusal(engines["plain"], QUESTION, options).code == "unsupported"
    assert "grammar" not in engines["plain"].ready.abilities


def test_a_beginning_counts_as_part_of_the_form(engines: dict[str, Loaded]) -> None:
    for seed in range(4):
        options = wild(seed, response_format=JsonSchema(SMALL), prefill='{"a": 2, ')
        answer = engines["plain"].ask(QUESTION, options)
        assert answer.text.startswith('{"a": 2, ')
        assert not schemas.problem(SMALL, answer.text)
    wrong = wild(1, response_format=JsonSchema(SMALL), prefill='{"c"')
    assert refusal(engines["plain"], QUESTION, wrong).code == "bad_request"


# Thinking.


@pytest.mark.parametrize("kind", ["always", "asked"])
@pytest.mark.parametrize("thinking", ["on", None, "off"])
def test_a_thought_ends_and_the_answer_behind_it_validates(
    kind: str, thinking: Any, engines: dict[str, Loaded]
) -> None:
    for seed in range(3):
        options = wild(seed, max_tokens=160, thinking=thinking, response_format=JsonSchema(SMALL))
        answer = engines[kind].ask(QUESTION, options)
        assert (answer.failure, answer.finish_reason) == (None, "stop")
        assert not schemas.problem(SMALL, answer.text), answer.text
        assert bool(answer.thought) == (thinking != "off")
        assert "think>" not in answer.thought + answer.text


def test_a_budget_ends_a_thought(engines: dict[str, Loaded]) -> None:
    few = engines["always"].ask(QUESTION, wild(1, max_tokens=60, thinking_budget=8))
    none = engines["always"].ask(QUESTION, wild(1, max_tokens=60, thinking="off"))
    assert few.thought
    assert few.text
    assert not none.thought
    assert none.text


def test_a_thought_that_never_ends_is_no_answer(engines: dict[str, Loaded]) -> None:
    answer = engines["always"].ask(QUESTION, wild(3, max_tokens=30, extra={"ignore_eos": True}))
    assert answer.thought
    assert not answer.text
    assert answer.finish_reason == "length"


def test_how_hard_to_think_is_so_many_tokens_where_the_template_has_no_word_for_it(
    engines: dict[str, Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BUDGETS, "low", 5)
    low = engines["always"].ask(QUESTION, wild(1, max_tokens=60, thinking="low"))
    few = engines["always"].ask(QUESTION, wild(1, max_tokens=60, thinking="on", thinking_budget=5))
    assert low.thought
    assert (low.thought, low.text) == (few.thought, few.text)
    assert refusal(engines["hermes"], QUESTION, GenerationOptions(thinking="on")).code == "unsupported"
    assert engines["hermes"].ask(QUESTION, wild(1, max_tokens=4, thinking="off")).failure is None


def test_thoughts_go_back_only_where_the_template_wants_them(tmp_path: Path) -> None:
    talk = [
        Message("user", "x"),
        Message("assistant", [Reasoning("so so"), *Message("assistant", "y").parts]),
    ]
    talk.append(Message("user", "z"))
    for template, wants in (
        (chat_templates.THINKS_ALWAYS, False),
        (chat_templates.REMEMBERS + chat_templates.THINKS_ALWAYS, True),
    ):
        folder = tiny_models.save(tmp_path / str(wants), "llama", template)
        engine = Loaded(folder, dtype="float32")
        assert ("[so so]" in engine.prompts.chat.render(talk)) == wants
        engine.engine.close()


# Tools.


@pytest.mark.parametrize(
    "kind", ["hermes", "llama", "mistral", "always", "asked", "marked", "keys", "fenced"]
)
@pytest.mark.parametrize("parallel", [True, None])
def test_a_call_that_must_come_comes_and_its_arguments_validate(
    kind: str, parallel: bool | None, engines: dict[str, Loaded]
) -> None:
    for seed in range(3):
        options = wild(
            seed, max_tokens=600, tools=[WEATHER, CLOCK], tool_choice="required", parallel_tool_calls=parallel
        )
        answer = engines[kind].ask(QUESTION, options)
        assert answer.failure is None
        calls = answer.of_kind("tool_call")
        if answer.finish_reason == "length" and len(calls) > 1:
            calls = calls[:-1]  # a random model may call for ever
        else:
            assert answer.finish_reason == "tool_calls"
        assert calls
        assert parallel or len(calls) == 1
        assert len({call.call for call in calls}) == len(calls)
        for call in calls:
            tool = {"weather": WEATHER, "clock": CLOCK}[call.name]
            assert not schemas.problem(tool.parameters, call.text), call
        assert not answer.text


def test_the_named_tool_is_called(engines: dict[str, Loaded]) -> None:
    options = wild(2, tools=[WEATHER, CLOCK], tool_choice=NamedTool("clock"))
    assert {call.name for call in engines["hermes"].ask(QUESTION, options).of_kind("tool_call")} == {"clock"}
    unknown = wild(2, tools=[WEATHER], tool_choice=NamedTool("nosuch"))
    assert refusal(engines["hermes"], QUESTION, unknown).code == "bad_request"


def test_a_form_beside_tools_is_a_call_or_that_form(engines: dict[str, Loaded]) -> None:
    for seed in range(4):
        options = wild(seed, tools=[WEATHER], response_format=JsonSchema(SMALL))
        answer = engines["hermes"].ask(QUESTION, options)
        for call in answer.of_kind("tool_call"):
            assert not schemas.problem(WEATHER.parameters, call.text)
        if answer.finish_reason == "stop":
            assert not schemas.problem(SMALL, answer.text)


def test_parameters_that_cannot_be_forced_are_refused_with_their_path(engines: dict[str, Loaded]) -> None:
    bad = Tool("bad", "", {"type": "object", "properties": {"x": {"not": {}}}, "required": ["x"]})
    options = GenerationOptions(tools=[CLOCK, bad], tool_choice="required")
    failure = refusal(engines["hermes"], QUESTION, options)
    assert failure.code == "unsupported"
    assert "at tool bad, #/properties/x/not:" in failure.message


def test_a_template_without_tools_calls_none(engines: dict[str, Loaded]) -> None:
    assert "tools" not in engines["plain"].ready.abilities
    assert refusal(engines["plain"], QUESTION, GenerationOptions(tools=[CLOCK])).code == "unsupported"
    used = [Message("user", "x"), Message("assistant", [ToolCall("a", "clock", "{}")])]
    used.append(Message("tool", [ToolResult("a", "noon")]))
    assert refusal(engines["plain"], used, GenerationOptions()).code == "unsupported"
    never = wild(1, max_tokens=4, tools=[CLOCK], tool_choice="none")
    assert engines["plain"].ask(QUESTION, never).failure is None


def test_results_reach_the_model(engines: dict[str, Loaded]) -> None:
    used = [
        Message("user", "when?"),
        Message("assistant", [ToolCall("a1", "weather", '{"city": "Riga"}'), ToolCall("a2", "clock", "{}")]),
        Message("tool", [ToolResult("a1", "rain"), ToolResult("a2", "broken", is_error=True)]),
    ]
    text = engines["hermes"].prompts.chat.render(used)
    assert '{"name": "weather", "arguments": {"city": "Riga"}}' in text
    assert "<|tool|>\nrain" in text
    assert "<|tool|>\nError: broken" in text


# The rest.


@pytest.mark.parametrize("kind", TEMPLATES)
def test_a_count_is_what_the_request_reports(kind: str, engines: dict[str, Loaded]) -> None:
    messages = [Message("user", QUESTION), Message("assistant", "away"), Message("user", "数字 and on")]
    tools = [WEATHER] if "tools" in engines[kind].ready.abilities else []
    options = GenerationOptions(max_tokens=2, tools=tools, prefill="So")
    counted = engines[kind].do(lambda key: CountTokens(key, messages, options)).counted
    assert counted == engines[kind].ask(messages, options).usage.prompt_tokens


def test_probabilities_are_those_of_the_model_and_in_their_order(engines: dict[str, Loaded]) -> None:
    free = wild(5, max_tokens=12, logprobs=3, extra={"ignore_eos": True})
    answer = engines["plain"].ask(QUESTION, free)
    assert len(answer.logprobs) == answer.tokens
    for one in answer.logprobs:
        assert one.logprob <= one.top[0].logprob <= 0
        assert [other.logprob for other in one.top] == sorted(
            (other.logprob for other in one.top), reverse=True
        )
        assert len(one.top) == 3
        assert sum(math.exp(other.logprob) for other in one.top) <= 1.0001
    text = b"".join(one.data for one in answer.logprobs).decode(errors="replace")
    assert answer.text.startswith(text[:4])
    assert refusal(engines["plain"], QUESTION, GenerationOptions(logprobs=1_000_000)).code == "bad_request"


def test_a_biased_token_comes_or_stays_away(engines: dict[str, Loaded]) -> None:
    first = engines["plain"].ask(QUESTION, GenerationOptions(temperature=0.0, max_tokens=1, logprobs=2))
    best, second = (one.id for one in first.logprobs[0].top)
    never = GenerationOptions(temperature=0.0, max_tokens=1, logprobs=0, logit_bias={best: -1000.0})
    assert engines["plain"].ask(QUESTION, never).logprobs[0].id == second
    beyond = GenerationOptions(logit_bias={1 << 31: 1.0})
    assert refusal(engines["plain"], QUESTION, beyond).code == "bad_request"


def test_raw_text_is_gone_on_with(engines: dict[str, Loaded]) -> None:
    greedy = GenerationOptions(temperature=0.0, max_tokens=4)
    answer = engines["plain"].do(lambda key: CompleteText(key, "The sea is deep", None, greedy))
    assert answer.failure is None
    assert answer.usage.prompt_tokens < engines["plain"].ask("The sea is deep", greedy).usage.prompt_tokens
    filled = engines["plain"].do(lambda key: CompleteText(key, "a", "b", greedy))
    assert filled.failure is not None
    assert filled.failure.code == "unsupported"


def test_an_answer_that_is_cut_off_in_a_call_says_so(engines: dict[str, Loaded]) -> None:
    options = wild(1, max_tokens=12, tools=[WEATHER], tool_choice="required")
    answer: Answer = engines["hermes"].ask(QUESTION, options)
    assert answer.finish_reason == "length"


def test_the_prompts_own_tokens_are_told_as_those_that_are_written(engines: dict[str, Loaded]) -> None:
    engine = engines["plain"]
    greedy = GenerationOptions(temperature=0.0, max_tokens=8, logprobs=2, extra={"ignore_eos": True})
    tokens = [5, 6, 7, 8] * 50  # more than are computed at once
    written = engine.do(lambda key: CompleteText(key, tokens, None, greedy))
    read = engine.do(
        lambda key: CompleteText(key, [*tokens, *(one.id for one in written.logprobs)], None, greedy, True)
    )
    assert not written.prompt_logprobs
    first, *others = read.prompt_logprobs
    assert (first.id, first.logprob, first.top) == (5, float("-inf"), [])
    assert [one.id for one in others] == [*tokens[1:], *(one.id for one in written.logprobs)]
    for here, there in zip(others[-8:], written.logprobs, strict=True):
        assert here.logprob == pytest.approx(there.logprob, abs=1e-3)
        assert [one.id for one in here.top] == [one.id for one in there.top]
    of_text = engine.do(lambda key: CompleteText(key, "The sea is deep", None, greedy, True))
    told = b"".join(one.data for one in of_text.prompt_logprobs).decode()
    assert told.strip() == "The sea is deep"
    wrong = engine.do(lambda key: CompleteText(key, [10**6], None, greedy)).failure
    assert wrong is not None
    assert wrong.code == "bad_request"
