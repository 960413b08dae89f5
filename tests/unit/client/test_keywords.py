"""A keyword that nobody takes is a `TypeError` with the nearest name, on every face, when it is called."""

import inspect
from collections.abc import Callable
from typing import Any

import pytest

from ai_pal.client import AsyncClient, Client, daemon
from ai_pal.client.asking import chat_request
from ai_pal.client.keywords import strict
from ai_pal.models import DirectModelWrapper, LocalLLMProvider
from ai_pal.orchestration import MultiModelOrchestrator

FACES = (Client, AsyncClient, LocalLLMProvider, DirectModelWrapper, MultiModelOrchestrator)


def callables() -> dict[str, Callable[..., Any]]:
    found: dict[str, Callable[..., Any]] = {"connect": daemon.connect, "hosted": daemon.hosted}
    for face in FACES:
        for name, member in vars(face).items():
            if inspect.isfunction(member) and (name == "__init__" or not name.startswith("_")):
                found[f"{face.__name__}.{name}"] = member
    return found


@pytest.mark.parametrize("name", sorted(callables()))
def test_everything_that_can_be_called_refuses_what_it_does_not_take(name: str) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'no_such_keyword'"):
        callables()[name](object(), no_such_keyword=1)


@pytest.mark.parametrize(
    ("method", "wrong", "right"),
    [
        (Client.ask, "local_onyl", "local_only"),
        (Client.chat, "maxcost", "max_cost"),
        (Client.route, "max_token", "max_tokens"),
        (Client.load, "keepalive", "keep_alive"),
        (AsyncClient.ask, "max_token", "max_tokens"),
        (AsyncClient.chat, "localonly", "local_only"),
        (LocalLLMProvider.__init__, "autopull", "auto_pull"),
        (LocalLLMProvider.generate, "temprature", "temperature"),
        (LocalLLMProvider.generate_streaming, "max_token", "max_tokens"),
        (DirectModelWrapper.generate, "max_token", "max_tokens"),
        (DirectModelWrapper.__init__, "model_cache", "model_cache_dir"),
        (MultiModelOrchestrator.__init__, "localonly", "local_only"),
        (MultiModelOrchestrator.route_request, "max_costs", "max_cost"),
        (MultiModelOrchestrator.stream_request, "local_onyl", "local_only"),
        (MultiModelOrchestrator.explain, "top_o", "top_p"),
    ],
)
def test_the_nearest_name_is_told(method: Callable[..., Any], wrong: str, right: str) -> None:
    with pytest.raises(TypeError, match=rf"{wrong!r}; did you mean {right!r}\?"):
        method(object(), "hi", **{wrong: 1})


def test_what_was_set_for_all_questions_is_checked_too() -> None:
    usually: Any = {"local_onyl": True}
    with pytest.raises(TypeError, match="did you mean 'local_only'"):
        chat_request(1, "hi", usually)


def test_a_coroutine_refuses_before_it_is_awaited() -> None:
    @strict
    async def ask(prompt: str, *, model: str = "") -> None: ...

    with pytest.raises(TypeError, match="did you mean 'model'"):
        ask("hi", modle="x")  # type: ignore[call-arg, unused-coroutine]


def test_what_is_right_passes_with_its_name_and_its_words() -> None:
    @strict
    def ask(prompt: str, *, model: str = "") -> str:
        """Doc."""
        return prompt + model

    assert ask(prompt="a", model="b") == "ab"
    assert (ask.__name__, ask.__doc__) == ("ask", "Doc.")
