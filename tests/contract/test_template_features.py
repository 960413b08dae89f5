"""What a template is written with makes the same of a conversation in both engines, also where llama.cpp's
Jinja lacks it or prints something else; and where that cannot even read it, answers are taken apart alike."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from ai_pal.protocol.content import Message
from ai_pal.protocol.options import GenerationOptions
from tests.template_features import FEATURES
from tests.template_kinds.engines import LlamaCppSide, Outcome, TransformersSide
from tests.template_kinds.kind import Kind, Turn
from tests.template_kinds.named import KINDS
from tests.template_kinds.rows import compare_answers, compare_prompts
from tests.template_kinds.writing import jinja
from workers.engines.jinja_template import FAILURES, JinjaTemplate
from workers.engines.llamacpp.rendering import may_be_read

pytestmark = pytest.mark.real_model

ODD = "{% with %}{% raw %}{% endraw %}{% endwith %}"
"""Nothing at all, which llama.cpp cannot read."""


SEEN_AT_LOAD = ("division by zero", "big numbers", "power", "tojson of text", "escapes", "print floats")
"""What llama.cpp cannot read either, and has to be tried with."""
OTHER_WORDS = ("namespace with underscores", "namespace set underscores")
"""Refused in words of our own."""


def is_written(text: str) -> bool:
    try:
        JinjaTemplate(text, {})
    except FAILURES:
        return False
    return True


def all_in_one(features: dict[str, str]) -> str:
    """A template that does what the question names."""
    named = "".join(f"{{% elif ask == {name!r} %}}{text}" for name, text in features.items())
    return (
        "{% set ask = messages[-1].content %}{% if false %}"
        + named
        + "{% else %}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% endif %}"
    )


def group_of(name: str) -> str:
    if name in SEEN_AT_LOAD:
        return "seen at load"
    return "read" if may_be_read(FEATURES[name]) else "not read"


@pytest.mark.parametrize("group", ["read", "not read", "seen at load"])
def test_a_feature_does_the_same_in_both_engines(group: str, tmp_path: Path) -> None:
    names = [name for name in FEATURES if group_of(name) == group and name not in OTHER_WORDS]
    features = {name: FEATURES[name] for name in names if is_written(FEATURES[name])}
    kind = Kind(Turn("<user>"), Turn("<assistant>"), text=all_in_one(features))
    llama, transformers = LlamaCppSide(kind, tmp_path), TransformersSide(kind)
    differ: dict[str, tuple[Outcome, Outcome]] = {}
    try:
        for name in features:
            asked = [Message("user", " é<&> "), Message("assistant", "yes"), Message("user", name)]
            both = [one.prompt((asked, GenerationOptions())) for one in (llama, transformers)]
            if both[0] != both[1]:
                differ[name] = both[0], both[1]
    finally:
        llama.close()
    assert differ == {}
    assert features
    assert llama._engine._writing.prompts.as_tokens == (group != "read")


@pytest.mark.parametrize("odd", ["", ODD], ids=["read by llama.cpp", "not read"])
def test_a_template_that_demands_a_system_message_is_given_one(odd: str, tmp_path: Path) -> None:
    demands = "{% if messages[0].role != 'system' %}{{ raise_exception('who am I?') }}{% endif %}"
    kind = replace(KINDS["qwen-3"], text=odd + demands + jinja(KINDS["qwen-3"]))
    llama, transformers = LlamaCppSide(kind, tmp_path), TransformersSide(kind)
    try:
        assert llama.abilities == transformers.abilities
        for turns in ([Message("user", "hi")], [Message("system", "Be brief."), Message("user", "hi")]):
            both = [one.prompt((turns, GenerationOptions())) for one in (llama, transformers)]
            assert both[0] == both[1]
            assert isinstance(both[0], list)
    finally:
        llama.close()


@pytest.mark.parametrize("name", ["qwen-3", "qwen-3-vl"])
def test_a_template_that_cannot_be_read_has_all_that_others_have(name: str, tmp_path: Path) -> None:
    odd = replace(KINDS[name], text=ODD + jinja(KINDS[name]))
    assert compare_prompts(odd, tmp_path) == []
    assert compare_answers(odd, tmp_path) == []
