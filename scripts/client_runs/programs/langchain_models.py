"""LangChain's models of OpenAI's (chat completions and responses), Anthropic's and Ollama's protocols."""

from collections.abc import Callable
from functools import partial
from typing import Any

from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage
from langchain_core.tools import tool
from langchain_ollama import ChatOllama
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from scripts.client_runs.programs.checks import END, KEY, MODEL, URL, WORDS, main_over, same, weather


class Place(BaseModel):
    """Where it is."""

    city: str


def openai(**fields: Any) -> Any:
    return ChatOpenAI(model=MODEL, base_url=f"{URL}/v1", api_key=KEY, max_retries=0, timeout=120, **fields)


MODELS: dict[str, Callable[[], Any]] = {
    "openai": openai,
    "responses": partial(openai, use_responses_api=True),
    "anthropic": lambda: ChatAnthropic(
        model=MODEL, base_url=URL, api_key=KEY, max_tokens=200, max_retries=0, timeout=120
    ),
    "ollama": lambda: ChatOllama(model=MODEL, base_url=URL, num_ctx=4096),
}


def at_once(model: Any) -> None:
    found = model.invoke("Say something")
    same(found.text, WORDS)
    assert found.usage_metadata["input_tokens"] > 0, found.usage_metadata


def streams(model: Any) -> None:
    same("".join(piece.text for piece in model.stream("Say something")), WORDS)


def tools(model: Any) -> None:
    bound = model.bind_tools([tool(weather)])
    messages: list[Any] = [HumanMessage("The weather in Oslo")]
    messages.append(bound.invoke(messages))
    same([call["args"] for call in messages[-1].tool_calls], [{"city": "Oslo"}])
    messages += [tool(weather).invoke(call) for call in messages[-1].tool_calls]
    same(bound.invoke(messages).text, END)


def schema(model: Any) -> None:
    same(model.with_structured_output(Place).invoke("Where is it?"), Place(city=""))


CHECKS: dict[str, Callable[[Any], None]] = {
    "at once": at_once,
    "streams": streams,
    "tools": tools,
    "schema": schema,
}


main_over(MODELS, CHECKS)
