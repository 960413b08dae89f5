"""The clouds' models that are asked for unless others are set are ids that the installed SDKs know."""

from typing import get_args

import pytest

from ai_pal.config.clouds import KNOWN

pytest.importorskip("openai")
pytest.importorskip("anthropic")


def names(kind: object) -> set[str]:
    return {name for part in get_args(kind) for name in ([part] if isinstance(part, str) else names(part))}


def test_openai_and_anthropic_name_them() -> None:
    from anthropic.resources.messages.messages import DEPRECATED_MODELS
    from anthropic.types.model import Model
    from openai.types.shared.chat_model import ChatModel

    for api, known in (("openai", names(ChatModel)), ("anthropic", names(Model) - set(DEPRECATED_MODELS))):
        assert {KNOWN[api].mid, KNOWN[api].strong} <= known, api
