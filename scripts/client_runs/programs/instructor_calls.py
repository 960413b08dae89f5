"""Instructor over chat completions, responses and messages: a schema by a tool and as a form, as a whole, in
parts, as one of many, and two tools called at once."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import instructor
from anthropic import Anthropic
from instructor import Mode
from openai import OpenAI

from scripts.client_runs.programs.checks import KEY, MODEL, URL, checks_over, main, same
from scripts.client_runs.programs.place import ANSWERED, Place

ASKED: dict[str, Any] = {"messages": [{"role": "user", "content": "Where is it?"}], "max_tokens": 200}


class weather(Place):  # noqa: N801 (a tool is called as its class)
    """The weather in a city."""


class clock(Place):  # noqa: N801
    """The time in a city."""


def openai(mode: Mode) -> Any:
    client = OpenAI(base_url=f"{URL}/v1", api_key=KEY, max_retries=0)
    return instructor.from_openai(client, mode=mode, model=MODEL)


def anthropic(mode: Mode) -> Any:
    client = Anthropic(base_url=URL, api_key=KEY, max_retries=0)
    return instructor.from_anthropic(client, mode=mode, model=MODEL)


def schema(client: Any) -> None:
    same(client.create(response_model=Place, max_retries=0, **ASKED).city, ANSWERED.city)


def parts(client: Any) -> None:
    *_, last = client.create_partial(response_model=Place, max_retries=0, **ASKED)
    same(last.city, ANSWERED.city)


def together(client: Any) -> None:
    found = client.create(response_model=Iterable[weather | clock], max_retries=0, **ASKED)
    same([(type(one).__name__, one.city) for one in found], [("weather", "Oslo"), ("clock", "Oslo")])


MODELS: dict[str, Callable[[], Any]] = {
    "tools": partial(openai, Mode.TOOLS),
    "strict tools": partial(openai, Mode.TOOLS_STRICT),
    "forms": partial(openai, Mode.JSON_SCHEMA),
    "responses": partial(openai, Mode.RESPONSES_TOOLS),
    "anthropic": partial(anthropic, Mode.ANTHROPIC_TOOLS),
}
PARALLEL: dict[str, Callable[[], Any]] = {
    "openai": partial(openai, Mode.PARALLEL_TOOLS),
    "anthropic": partial(anthropic, Mode.ANTHROPIC_PARALLEL_TOOLS),
}


main(
    checks_over(MODELS, {"schema": schema, "in parts": parts})
    | checks_over(PARALLEL, {"two tools": together})
)
