"""What is made of an answer that is known beforehand: the same in llama.cpp and in transformers."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema, Tool
from ai_pal.protocol.worker import Generate, GenerationDone, LoadModel, Ready
from tests.spoken_models import Script
from tests.worker_driver import WorkerDriver

KEYS = count(1)
MESSAGES = "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}<|end|>\n{% endfor %}"
THINKS = MESSAGES + "{% if add_generation_prompt %}<|assistant|>\n<think>{% endif %}"
"""Opens a thought, and shows no end of one."""
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
HARMONY = (
    "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}"
    "{% for m in messages %}<|start|>{{ m.role }}"
    "{% if m.tool_calls %}{% for c in m.tool_calls %} to=functions.{{ c.function.name }}<|channel|>commentary"
    " <|constrain|>json<|message|>{{ c.function.arguments | tojson }}<|call|>{% endfor %}"
    "{% else %}{% if m.role == 'assistant' %}<|channel|>final{% endif %}<|message|>{{ m.content }}<|end|>"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|start|>assistant{% endif %}"
)
CHANNELS = ("<|start|>", "<|channel|>", "<|message|>", "<|constrain|>", "<|end|>", "<|return|>", "<|call|>")
ANALYSIS = ("<|channel|>", "analysis", "<|message|>", "I", " think", "<|end|>", "<|start|>", "assistant")
IN_CHANNELS: dict[str, Any] = {"special": CHANNELS, "words": ("analysis",), "after": "t"}
ONE = {"type": "object", "properties": {"a": {"enum": [1]}}, "required": ["a"], "additionalProperties": False}
CITY = {"type": "object", "properties": {"city": {"enum": ["Rome"]}}, "required": ["city"]}
TOOLS = [Tool("weather", "Tells the weather.", CITY | {"additionalProperties": False})]
HELD: dict[str, Any] = {"response_format": JsonSchema(ONE), "max_tokens": 60}
OFF: dict[str, Any] = {"thinking": "off"}

Made = tuple[str, list[tuple[str, str]]]
Ask = Callable[..., Made]


@contextmanager
def asking(engine: str, script: Script, template: str | None) -> Iterator[Ask]:
    """Gives what asks the model: how an answer ended, and of what parts it is."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if engine == "llamacpp":
            model = script.save_gguf(folder / "m.gguf", template)
        else:
            model = script.save_folder(folder / "m", template or CHATML)
        with WorkerDriver(folder, engine) as driver:
            assert isinstance(driver.load(LoadModel("m", engine, str(model), context=512)), Ready)

            def ask(**options: Any) -> Made:
                wanted = GenerationOptions(**{"temperature": 0.0, "max_tokens": 30} | options)
                answer = driver.do(Generate(next(KEYS), [Message("user", "hi")], wanted))
                assert isinstance(answer.end, GenerationDone), answer.end
                parts = [part for _, part in sorted(answer.grown.items())]
                return answer.end.finish_reason, [(part.name or part.kind, part.text) for part in parts]

            yield ask


pytestmark = [
    pytest.mark.real_model,
    pytest.mark.parametrize("engine", ["llamacpp", "transformers"]),
]


def test_a_thought_ends_although_the_template_shows_no_end(engine: str) -> None:
    thought = ("\nI", " think", ".\n", "</think>", "\n\nIt", " is", " 4.")
    script = Script(thought, after="<think>", marks=("<think>", "</think>"))
    answer = ("text", "It is 4.")
    with asking(engine, script, THINKS) as ask:
        assert ask() == ("stop", [("reasoning", "I think."), answer])
        held = ask(**HELD)
        assert held == ("stop", [("reasoning", "I think."), ("text", '{"a": 1}')])
        assert ask(**HELD, **OFF) == ("stop", [("text", '{"a": 1}')])
        assert [part for part, _ in ask(**OFF)[1]] == ["text"]
        assert [part for part, _ in ask(thinking_budget=0)[1]] == ["text"]
        assert ask(thinking_budget=2)[1][0] == ("reasoning", "I think")
        (begun,) = ask(prefill="It")[1]
        assert begun[0] == "text", "what an answer is to begin with is no thought"
        assert begun[1].startswith("It")


def test_a_thought_that_was_ended_is_not_ended_again_in_the_answer(engine: str) -> None:
    script = Script(("I", "</think>", "4"), after="t", marks=("<think>", "</think>"))
    with asking(engine, script, THINKS) as ask:
        assert ask(prefill="It") == ("stop", [("text", "ItI4")])


def test_the_channels_of_harmony_come_apart(engine: str) -> None:
    script = Script(
        (*ANALYSIS, "<|chan", "nel|>final", "<|mess", "age|>Hello", " friend"),
        end="<|return|>",
        **IN_CHANNELS,
    )
    thought, answer = ("reasoning", "I think"), ("text", "Hello friend")
    with asking(engine, script, HARMONY) as ask:
        assert ask() == ("stop", [thought, answer]), "it does not end where its first message does"
        assert ask(max_tokens=4) == ("length", [("reasoning", "I")])
        assert ask(**HELD) == ("stop", [thought, ("text", '{"a": 1}')])
        assert ask(**HELD, **OFF)[1][-1] == ("text", '{"a": 1}')
        assert ask(thinking_budget=1)[1][0] == ("reasoning", "I")
        assert ask(prefill="He", max_tokens=2) == ("length", [("text", "Hexx")])
        ended, parts = ask(tools=TOOLS, tool_choice="required", max_tokens=120)
        assert (ended, parts[-1]) == ("tool_calls", ("weather", '{"city": "Rome"}'))
        ended, parts = ask(tools=TOOLS, **HELD | {"max_tokens": 120})
        assert (ended, parts[0]) == ("tool_calls", thought)
        assert parts[-1] == ("weather", '{"city": "Rome"}')


@pytest.mark.parametrize("front", ["", "{% raw %}{% endraw %}"], ids=["", "of a template that is unread"])
@pytest.mark.parametrize("opens", [False, True], ids=["", "behind a thought"])
@pytest.mark.parametrize("kind", ["call", "answer", "answer like a call"])
def test_a_call_or_an_answer_of_a_form(engine: str, kind: str, opens: bool, front: str) -> None:
    """llama.cpp takes nothing apart where it cannot read the template."""
    key, around = "parameters", ("", "")
    if front or kind == "answer like a call":  # Llama's own calls, which have no marks, begin so
        key, around = "arguments", ("<tool_call>\n", "\n</tool_call>")
    says: tuple[str, ...] = ('{"a"', ": 1}")
    form = ONE
    if kind == "call":
        own = key if engine == "transformers" else "arguments"
        says = ('{"name"', ': "weather"', f', "{own}": {{"city"', ': "Rome"}}')
        if front and engine == "transformers":
            says = (around[0], *says, around[1])
    elif kind == "answer like a call":
        says = ('{"name"', ': "weather"', ', "size"', ": 1}")
        sizes = {"name": {"enum": ["weather"]}, "size": {"enum": [1]}}
        form = ONE | {"properties": sizes, "required": ["name", "size"]}
    calls = (
        "{% for tool in tools or [] %}{{ tool | tojson }}{% endfor %}"
        "{% for m in messages %}{% for c in m.tool_calls or [] %}"
        + around[0]
        + '{"name": "{{ c.function.name }}", "'
        + key
        + '": {{ c.function.arguments | tojson }}}'
        + around[1]
        + "{% endfor %}{% endfor %}"
    )
    begins = "{% if add_generation_prompt %}" + ("<think>" if opens else "assistant") + "{% endif %}"
    thought, marks = (("I", " think", "</think>"), ("<think>", "</think>")) if opens else ((), ())
    script = Script((*thought, *says), after="<think>" if opens else "t", marks=marks)
    asked: dict[str, Any] = {"tools": TOOLS, "response_format": JsonSchema(form)}
    with asking(engine, script, front + calls + MESSAGES + begins) as ask:
        ended, parts = ask(**asked, max_tokens=80)
        if opens:
            assert parts.pop(0) == ("reasoning", "I think")
        if kind == "call":
            assert ended == "tool_calls"
            assert [part for part in parts if part[1]] == [("weather", '{"city": "Rome"}')]
            return
        assert (ended, parts) == ("stop", [("text", "".join(says))])
        for most in range(1, 0 if opens else len(says)):
            cut, [(name, text)] = ask(**asked, max_tokens=most)
            assert (cut, name) == ("length", "text")
            assert text
            assert "".join(says).startswith(text), "nothing of it is lost"


def test_a_call_of_harmony_is_one(engine: str) -> None:
    head = ("<|chan", "nel|>commentary to=functions.weather ", "<|constrain|>", "json", "<|mess", "age|>")
    script = Script((*ANALYSIS, *head, '{"city"', ': "Rome"}'), end="<|call|>", **IN_CHANNELS)
    call = ("weather", '{"city": "Rome"}')
    with asking(engine, script, HARMONY) as ask:
        assert ask(tools=TOOLS) == ("tool_calls", [("reasoning", "I think"), call])
        assert ask() == ("stop", [("reasoning", "I think")]), "nobody has asked for a call"


def test_a_turn_ends_at_the_mark_of_the_template_though_it_is_no_token(engine: str) -> None:
    script = Script(("Hi", "<|im", "_end|>", "\n<|im_start|>user", "\nfoo"), after="\n")
    with asking(engine, script, None) as ask:
        assert ask() == ("stop", [("text", "Hi")])


def test_a_turn_ends_at_the_token_of_the_template_though_another_is_said_to_end_it(engine: str) -> None:
    script = Script(("Hi", "<|im_end|>", "no", "more"), after="\n", special=("<|im_start|>", "<|im_end|>"))
    with asking(engine, script, CHATML) as ask:
        assert ask() == ("stop", [("text", "Hi")])
