"""Tools, pictures, documents, thoughts and forms through the real adapters and SDKs, against clouds that
refuse what the real ones refuse: nothing may be refused that could have been asked rightly."""

import base64
import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from ai_pal.errors import Code
from ai_pal.protocol import egress as out
from ai_pal.protocol.content import (
    Document,
    Image,
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolResult,
)
from ai_pal.protocol.options import (
    GenerationOptions,
    Grammar,
    JsonObject,
    JsonSchema,
    NamedTool,
    Thinking,
    Tool,
)
from ai_pal.protocol.provider import Api, Provider
from tests.contract.strict import Strict
from tests.egress_driver import EgressDriver, egress_process
from tests.servers.clouds import CLOUDS, KEYS

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
HI = [Message("user", "one two")]
TOOLS = [Tool("weather", "Tells the weather."), Tool("time")]
MODELS: dict[Api, str] = {
    "openai": "gpt-4o",
    "anthropic": "claude-haiku-4-5",
    "cohere": "command-a-plus-05-2026",
}
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"enum": ["a", "b"]}}},
    "required": ["name"],
}


@pytest.fixture(scope="module")
def egress() -> Iterator[EgressDriver]:
    with egress_process({f"AI_PAL_KEY_{api.upper()}": key for api, key in KEYS.items()}) as driver:
        yield driver


@pytest.fixture(params=sorted(CLOUDS))
def cloud(request: pytest.FixtureRequest) -> Iterator[Strict]:
    with Strict(request.param) as strict:
        yield strict


def _results(turn: Message, **more: Any) -> Message:
    called = [part for part in turn.parts if isinstance(part, ToolCall)]
    return Message("tool", [ToolResult(call.id, f"{call.name}: fine", **more) for call in called])


def test_calls_come_in_parts_and_their_results_go_back(egress: EgressDriver, cloud: Strict) -> None:
    options = GenerationOptions(tools=TOOLS, temperature=0.5)
    answer = cloud.ask(egress, MODELS[cloud.api], HI, options)
    assert answer.done.finish_reason == "tool_calls"
    assert [(name, json.loads(text)) for name, text in answer.calls] == [
        ("weather", {"said": "one "}),
        ("time", {"said": "one "}),
    ]
    assert not answer.notices
    turns = [*HI, answer.message, _results(answer.message)]
    after = cloud.ask(egress, MODELS[cloud.api], turns, options)
    assert "fine" in after.text
    assert after.done.finish_reason == "stop"
    assert len(cloud.bodies) == 2
    again = [*turns, after.message, Message("user", "and now?")]
    assert cloud.ask(egress, MODELS[cloud.api], again).done, "without tools, too"


def test_calls_of_another_provider_can_be_gone_on_with(egress: EgressDriver, cloud: Strict) -> None:
    turns = [
        Message("system", "Be brief."),
        *HI,
        Message(
            "assistant",
            [
                Reasoning("hm"),
                Text("I look."),
                ToolCall("functions.weather:0", "weather", '{"city": "Ro'),
                ToolCall("2", "time", ""),
            ],
        ),
        Message("tool", [ToolResult("functions.weather:0", "broken", is_error=True)]),
        Message("tool", [ToolResult("2", [Text("noon"), Image("image/png", PNG)])]),
    ]
    answer = cloud.ask(egress, MODELS[cloud.api], turns, GenerationOptions(tools=TOOLS))
    assert answer.done.finish_reason == "stop" or answer.calls
    assert len(cloud.bodies) == 1
    sent = json.dumps(cloud.bodies)
    assert "broken" in sent
    assert base64.b64encode(PNG).decode() in sent
    assert ('"is_error": true' in sent) == (cloud.api == "anthropic")


@pytest.mark.parametrize("choice", ["auto", "none", "required", NamedTool("time")])
@pytest.mark.parametrize("parallel", [None, True, False])
def test_whether_tools_are_called_is_asked_in_each_ones_way(
    egress: EgressDriver, cloud: Strict, choice: Any, parallel: bool | None
) -> None:
    options = GenerationOptions(tools=TOOLS, tool_choice=choice, parallel_tool_calls=parallel)
    answer = cloud.ask(egress, MODELS[cloud.api], HI, options)
    told = [name for name, _ in answer.calls]
    if choice == "none":
        assert not told
        assert answer.text
    elif isinstance(choice, NamedTool):
        assert told == ["time"]
    elif parallel is False and cloud.api != "cohere":
        assert told == ["weather"]
    else:
        assert told == ["weather", "time"]
    dropped = parallel is False and cloud.api == "cohere"
    assert bool(answer.notices) == dropped
    assert len(cloud.bodies) == 1


def test_pictures_and_documents_go_out_as_they_are(egress: EgressDriver, cloud: Strict) -> None:
    turn = Message(
        "user",
        [
            Text("What is it? "),
            Image("image/png", frame=1),
            Document("notes.txt", "a secret"),
            Image("image/gif", b"GIF89a"),
        ],
    )
    answer = cloud.ask(egress, MODELS[cloud.api], [turn], blobs=[PNG])
    assert answer.done
    (sent,) = map(json.dumps, cloud.bodies)
    assert base64.b64encode(PNG).decode() in sent
    assert base64.b64encode(b"GIF89a").decode() in sent
    assert "notes.txt" in sent
    assert "a secret" in sent
    assert ('"type": "document"' in sent) == (cloud.api == "anthropic")


def test_a_picture_is_not_sent_to_a_model_that_sees_nothing(egress: EgressDriver) -> None:
    turn = [Message("user", [Image("image/png", PNG)])]
    for api, model in (("openai", "gpt-4"), ("cohere", "command-a-03-2025")):
        with Strict(api) as cloud:  # type: ignore[arg-type]
            own = Provider(cloud.api, cloud.api, cloud.base_url if api == "cohere" else "")
            failed = egress.ask(out.Complete(0, own, model, turn)).failed.failure
            assert (failed.code, failed.retryable) == (Code.UNSUPPORTED, False)
            assert "images" in failed.message
            assert not cloud.bodies


def test_a_picture_that_is_none_is_refused_in_the_providers_words(
    egress: EgressDriver, cloud: Strict
) -> None:
    turn = [Message("user", [Text("see"), Image("image/png", b"no picture")])]
    failed = cloud.ask(egress, MODELS[cloud.api], turn).failed.failure
    assert failed.code == Code.PROVIDER_REFUSED
    assert "does not match" in failed.detail


def test_an_answer_keeps_to_its_schema(egress: EgressDriver, cloud: Strict) -> None:
    options = GenerationOptions(response_format=JsonSchema(PERSON, "a person"))
    answer = cloud.ask(egress, MODELS[cloud.api], HI, options)
    value = json.loads(answer.text)
    assert value["name"] == ""
    assert set(value) <= {"name", "tags"}
    assert len(cloud.bodies) == 1
    assert answer.done.finish_reason == "stop"


def test_an_answer_is_any_json_object(egress: EgressDriver, cloud: Strict) -> None:
    options = GenerationOptions(response_format=JsonObject())
    answer = cloud.ask(egress, MODELS[cloud.api], HI, options)
    assert isinstance(json.loads(answer.text), dict)
    assert (len(cloud.bodies), answer.done.finish_reason) == (1, "stop")


def test_older_claudes_are_made_to_call_a_tool_with_the_answer(egress: EgressDriver) -> None:
    with Strict("anthropic") as cloud:
        options = GenerationOptions(response_format=JsonSchema(PERSON))
        answer = cloud.ask(egress, "claude-3-5-haiku-20241022", HI, options)
        assert json.loads(answer.text) == {"name": ""}
        assert (answer.calls, answer.done.finish_reason) == ([], "stop")


@pytest.mark.parametrize(
    ("api", "schema", "path"),
    [
        ("anthropic", {"type": "integer", "minimum": 3}, "$.properties.x.minimum"),
        ("cohere", {"type": "array", "items": {"type": "string"}, "minItems": 2}, "$.properties.x.minItems"),
    ],
)
def test_what_a_provider_does_not_guarantee_is_refused_with_its_path(
    egress: EgressDriver, api: Api, schema: dict[str, Any], path: str
) -> None:
    wanted = JsonSchema({"type": "object", "properties": {"x": schema}, "required": ["x"]})
    with Strict(api) as cloud:
        options = GenerationOptions(response_format=wanted)
        failed = cloud.ask(egress, MODELS[api], HI, options).failed.failure
        assert failed.code == Code.UNSUPPORTED
        assert path in failed.message
        assert not cloud.bodies


def test_no_provider_knows_grammars(egress: EgressDriver, cloud: Strict) -> None:
    options = GenerationOptions(response_format=Grammar("root ::= [a]"))
    failed = cloud.ask(egress, MODELS[cloud.api], HI, options).failed.failure
    assert (failed.code, cloud.bodies) == (Code.UNSUPPORTED, [])


THINKERS = [
    ("anthropic", "claude-haiku-4-5"),
    ("anthropic", "claude-opus-4-6"),
    ("anthropic", "claude-opus-4-8"),
    ("anthropic", "claude-sonnet-5"),
    ("anthropic", "claude-opus-5-5"),
    ("anthropic", "claude-3-haiku-20240307"),
    ("cohere", "command-a-plus-05-2026"),
    ("cohere", "command-a-03-2025"),
    ("openai", "gpt-5.1"),
    ("openai", "gpt-5-mini"),
    ("openai", "o3"),
    ("openai", "gpt-4o"),
]


@pytest.mark.parametrize(("api", "model"), THINKERS)
def test_thinking_is_asked_for_in_each_ones_way(egress: EgressDriver, api: Api, model: str) -> None:
    with Strict(api) as cloud:
        for level in get_args(Thinking):
            for tools in ([], TOOLS):
                before = len(cloud.bodies)
                options = GenerationOptions(
                    thinking=level,
                    temperature=0.3,
                    tools=tools,
                )
                answer = cloud.ask(egress, model, HI, options)
                assert answer.done, level
                assert len(cloud.bodies) - before <= 2, level
                if api == "anthropic" and level != "off" and "claude-3" not in model:
                    assert answer.reasoning == "let me think"
        forced = GenerationOptions(thinking="high", tools=TOOLS, tool_choice="required")
        end = cloud.ask(egress, model, HI, forced).end
        assert isinstance(end, out.CompletionDone) or end.failure.code == Code.UNSUPPORTED  # type: ignore[union-attr]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-6", "claude-opus-5-5"])
def test_thoughts_go_back_unchanged_before_results(egress: EgressDriver, model: str) -> None:
    with Strict("anthropic") as cloud:
        options = GenerationOptions(thinking="low", tools=TOOLS)
        answer = cloud.ask(egress, model, HI, options)
        kinds = [part.kind for part in answer.parts.values()]
        assert kinds == ["reasoning", "reasoning", "tool_call", "tool_call"]
        turns = [*HI, answer.message, _results(answer.message)]
        assert "fine" in cloud.ask(egress, model, turns, options).text
        blocks = cloud.bodies[-1]["messages"][1]["content"]
        assert [block["type"] for block in blocks] == [
            *("thinking", "redacted_thinking", "tool_use", "tool_use")
        ]


def test_a_claude_with_a_budget_does_not_think_after_calls_of_others(egress: EgressDriver) -> None:
    turn = Message("assistant", [Reasoning("hm"), ToolCall("1", "weather", "{}")])
    with Strict("anthropic") as cloud:
        options = GenerationOptions(thinking="on", tools=TOOLS)
        answer = cloud.ask(egress, "claude-haiku-4-5", [*HI, turn, _results(turn)], options)
        assert answer.done
        assert "the calls before it came without" in answer.notices[0][1]


def test_a_budget_has_to_leave_room_for_the_answer(egress: EgressDriver) -> None:
    with Strict("anthropic") as cloud:
        for limit, budget in ((None, None), (2000, 50_000), (1025, 5), (1024, 2048), (None, 9000)):
            options = GenerationOptions(max_tokens=limit, thinking_budget=budget, thinking="on")
            assert cloud.ask(egress, "claude-haiku-4-5", HI, options).done, (limit, budget)


def test_probabilities_come_behind_their_text(egress: EgressDriver) -> None:
    for api, model, most in (("openai", "gpt-4o", 2), ("cohere", "command-a-03-2025", 0)):
        with Strict(api) as cloud:  # type: ignore[arg-type]
            options = GenerationOptions(logprobs=most, max_tokens=3)
            answer = cloud.ask(egress, model, HI, options)
            assert [seq for seq, _ in answer.logprobs] == [0, 1, 2]
            assert b"".join(token.data for _, token in answer.logprobs) == answer.text.encode()
            assert {len(token.top) for _, token in answer.logprobs} == {most}


def test_probabilities_are_a_need(egress: EgressDriver) -> None:
    with Strict("anthropic") as cloud:
        options = GenerationOptions(logprobs=0)
        failed = cloud.ask(egress, "claude-haiku-4-5", HI, options).failed.failure
        assert (failed.code, cloud.bodies) == (Code.UNSUPPORTED, [])
    with Strict("openai") as cloud:  # a name that tells nothing, at an address of one's own
        failed = cloud.ask(egress, "my-deployment", HI, GenerationOptions(logprobs=0)).failed.failure
        assert failed.code == Code.UNSUPPORTED
        assert "logprobs" in failed.detail


def test_an_answer_begins_with_its_prefill(egress: EgressDriver) -> None:
    with Strict("anthropic") as cloud:
        options = GenerationOptions(prefill="I say: ", max_tokens=2)
        assert cloud.ask(egress, "claude-haiku-4-5", HI, options).text == "I say: I say: "
        failed = cloud.ask(egress, "claude-sonnet-5", HI, options).failed.failure
        assert failed.code == Code.UNSUPPORTED


WISHES = GenerationOptions(
    top_k=5,
    min_p=0.1,
    presence_penalty=0.2,
    repeat_penalty=1.1,
    logit_bias={7: -2.0},
    seed=3,
    thinking="low",
    thinking_budget=2000,
    stop_repeating=True,
)


def test_wishes_that_a_cloud_does_not_know_are_told_in_one_notice(
    egress: EgressDriver, cloud: Strict
) -> None:
    model = {"openai": "gpt-4o", "anthropic": "claude-haiku-4-5", "cohere": "command-a-03-2025"}[cloud.api]
    answer = cloud.ask(egress, model, HI, WISHES)
    assert answer.done
    ((kind, told),) = answer.notices
    assert kind == "options"
    body = cloud.bodies[-1]
    for name in ("top_k", "min_p", "presence_penalty", "repeat_penalty", "logit_bias", "seed"):
        sent = name in body or (name == "top_k" and "k" in body)
        assert sent != (name in told), (name, body, told)
    assert "stop_repeating" in told


def test_thoughts_that_a_server_does_not_take_are_left_out_the_second_time(egress: EgressDriver) -> None:
    turns = [*HI, Message("assistant", [Reasoning("hm", "forged"), Text("yes")]), *HI]
    with Strict("anthropic") as cloud:
        assert cloud.ask(egress, "claude-haiku-4-5", turns).text
        assert "forged" in json.dumps(cloud.bodies[0])
        assert "forged" not in json.dumps(cloud.bodies[1])
        cloud.ask(egress, "claude-haiku-4-5", turns)
        assert len(cloud.bodies) == 3, "what was learned is known"
    called = Message("assistant", [Reasoning("hm"), ToolCall("a", "weather", "{}")])
    with Strict("openai") as cloud:
        options = GenerationOptions(tools=TOOLS)
        assert cloud.ask(egress, "my-deployment", [*HI, called, _results(called)], options).text
        assert "reasoning_content" in json.dumps(cloud.bodies[0])
        assert "reasoning_content" not in json.dumps(cloud.bodies[1])


def test_a_window_that_cannot_be_looked_up_is_told(egress: EgressDriver, cloud: Strict) -> None:
    answer = cloud.ask(egress, MODELS[cloud.api], HI, GenerationOptions(context=9000))
    assert "context 9000 is not checked" in answer.notices[0][1]


def test_keys_and_pictures_stay_out_of_the_log(egress: EgressDriver) -> None:
    written = egress.log()
    for secret in [*KEYS.values(), base64.b64encode(PNG).decode()[:40], "a secret"]:
        assert secret not in written
