"""Folders that the library loads, however odd they are: they answer here, too."""

import json
import shutil
from pathlib import Path

import pytest

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions, JsonSchema
from tests import tiny_models
from tests.unit.workers.engines.transformers.recorder import Answer, Loaded

TEMPLATE, JINJA = tiny_models.TEMPLATE, "chat_template.jinja"
FEW = GenerationOptions(temperature=0.0, max_tokens=4)
HELD = GenerationOptions(temperature=0.0, max_tokens=20, response_format=JsonSchema({"enum": ["ab"]}))
HELLO = [Message("user", "hello")]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_models.save(tmp_path_factory.mktemp("whole") / "m", "llama")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "m"))


def ask(folder: Path, *options: GenerationOptions) -> list[Answer]:
    loaded = Loaded(folder)
    answers = [loaded.ask(HELLO, one) for one in options]
    loaded.engine.close()
    assert [one.failure for one in answers] == [None] * len(answers)
    return answers


def test_a_processor_s_templates_have_names(folder: Path) -> None:
    (before,) = ask(folder, FEW)
    (folder / JINJA).unlink()
    named = [{"name": "other", "template": "x"}, {"name": "default", "template": TEMPLATE}]
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": named}))
    (after,) = ask(folder, FEW)
    assert after.usage.prompt_tokens == before.usage.prompt_tokens


def test_a_template_that_demands_a_system_message_is_given_one(folder: Path) -> None:
    demands = "{% if messages[0].role != 'system' %}{{ raise_exception('no system') }}{% endif %}"
    (folder / JINJA).write_text(demands + "{% for m in messages %}[{{ m.content }}]{% endfor %}")
    loaded = Loaded(folder)
    assert loaded.prompts.chat.render(HELLO) == "[][hello]"
    assert loaded.prompts.chat.render([Message("system", "be brief"), *HELLO]) == "[be brief][hello]"
    loaded.engine.close()


def test_a_tokenizer_with_more_tokens_than_the_model_holds_answers_to_forms(folder: Path) -> None:
    content = json.loads((folder / "tokenizer.json").read_text())
    more = {"id": 5000, "content": "<|more|>", "special": True, "single_word": False}
    content["added_tokens"].append(more | {"lstrip": False, "rstrip": False, "normalized": False})
    (folder / "tokenizer.json").write_text(json.dumps(content))
    assert ask(folder, FEW, HELD)[1].text == '"ab"'
