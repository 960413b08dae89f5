"""A chat template that tells the date costs no prefix while a conversation is carried on, and tells another
day behind a night: the starter model in llama.cpp, in this process, with a clock that the test sets."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from ai_pal.protocol.usage import Usage
from ai_pal.protocol.worker import Generate, LoadModel
from tests.unit.workers.engines.transformers.recorder import Recorder
from workers.engines.llamacpp.attachments import Attachments
from workers.engines.llamacpp.engine import LlamaCpp

pytestmark = pytest.mark.real_model

TURNS = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)
ASKS = "{{ '<|im_start|>system\\nToday is ' + strftime_now('%d %B %Y') + '<|im_end|>\\n' }}" + TURNS
LOOKS = "{{ '<|im_start|>system\\nToday is ' + date_string + '<|im_end|>\\n' }}" + TURNS
BEFORE_MIDNIGHT = datetime(2026, 11, 30, 23, 50).astimezone().timestamp()
HALF_AN_HOUR, NIGHT = 1800.0, 9 * 3600.0
SAILOR = [Message("system", "You keep a lighthouse on a small island. " * 12), Message("user", "Who passes?")]
MARK = "1" * 32
FEW = 8
"""Tokens at the end of a prompt that an engine may compute again."""
NEW = 40
"""At most, of an answer and a question."""
SHORT = GenerationOptions(temperature=0.0, max_tokens=4)


class Lighthouse:
    """One conversation with a loaded model."""

    def __init__(self, model: Path, template: Path, kept: Path) -> None:
        self.now = BEFORE_MIDNIGHT
        self._sink, self._keys = Recorder(), count(1)
        self._spec = LoadModel(
            "m",
            "llamacpp",
            str(model),
            threads=1,
            context=1024,
            options={"chat_template": str(template)},
            prefixes=str(kept),
            prefix_bytes=10**9,
        )
        self._engine = self._loaded()
        self.messages = list(SAILOR)

    def _loaded(self) -> LlamaCpp:
        engine = LlamaCpp(lambda: self.now)
        engine.load(self._spec, self._sink)
        return engine

    def close(self) -> None:
        self._engine.save_prefixes(60.0)
        self._engine.close()

    def load_anew(self) -> None:
        self.close()
        self._engine = self._loaded()

    def ask(self, text: str = "") -> Usage:
        if text:
            self.messages.append(Message("user", text))
        key = next(self._keys)
        self._engine.start(Generate(key, list(self.messages), SHORT, MARK), ())
        answer = self._sink.wait_for_end(key)
        assert answer.failure is None, answer.failure
        self.messages.append(Message("assistant", answer.text))
        return answer.usage

    def prompt(self) -> str:
        with Attachments(()) as none:
            prompts = self._engine._writing.prompts
            return prompts.rendered(prompts.body(self.messages, SHORT, none), SHORT)


@pytest.fixture(params=[ASKS, LOOKS], ids=["strftime_now", "date_string"])
def lighthouse(request: pytest.FixtureRequest, starter_model: Path, tmp_path: Path) -> Iterator[Lighthouse]:
    template = tmp_path / "dated.jinja"
    template.write_text(request.param)
    (tmp_path / "kept" / MARK).mkdir(parents=True)
    one = Lighthouse(starter_model, template, tmp_path / "kept")
    yield one
    one.close()


def test_midnight_and_an_unload_cost_nothing_and_a_night_what_the_engine_says(
    lighthouse: Lighthouse,
) -> None:
    first = lighthouse.ask()
    assert first.cached_tokens == 0
    lighthouse.now += HALF_AN_HOUR
    lighthouse.load_anew()
    second = lighthouse.ask("And by night?")
    assert "Today is 30 Nov" in lighthouse.prompt()
    assert first.prompt_tokens - FEW <= second.cached_tokens <= second.prompt_tokens
    assert second.prompt_tokens - second.cached_tokens < NEW
    lighthouse.now += NIGHT
    third = lighthouse.ask("And today?")
    assert "Today is 01 Dec" in lighthouse.prompt()
    assert third.cached_tokens < NEW
