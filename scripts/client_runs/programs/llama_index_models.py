"""LlamaIndex's models of OpenAI's and Ollama's protocols, and its vectors."""

import asyncio
from collections.abc import Callable
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage
from llama_index.embeddings.ollama import OllamaEmbedding
from llama_index.embeddings.openai_like import OpenAILikeEmbedding
from llama_index.llms.ollama import Ollama
from llama_index.llms.openai_like import OpenAILike

from scripts.client_runs.programs.checks import (
    EMBEDS,
    END,
    KEY,
    MODEL,
    URL,
    WORDS,
    checks_over,
    clock,
    main,
    same,
    weather,
)
from scripts.client_runs.programs.place import ANSWERED, Place


def openai() -> Any:
    where = {"api_base": f"{URL}/v1", "api_key": KEY, "max_retries": 0, "timeout": 120}
    able = {"is_chat_model": True, "is_function_calling_model": True, "should_use_structured_outputs": True}
    return OpenAILike(model=MODEL, **where, **able)


MODELS: dict[str, Callable[[], Any]] = {
    "openai": openai,
    "ollama": lambda: Ollama(model=MODEL, base_url=URL, request_timeout=120),
}


def at_once(model: Any) -> None:
    same(model.chat([ChatMessage("Say something")]).message.content, WORDS)


def streams(model: Any) -> None:
    same("".join(piece.delta or "" for piece in model.stream_chat([ChatMessage("Say something")])), WORDS)


def completes(model: Any) -> None:
    same(model.complete("Say something").text, WORDS)


def tools(model: Any) -> None:
    async def ended() -> str:
        return str(await FunctionAgent(tools=[weather, clock], llm=model).run("The weather in Oslo"))

    same(asyncio.run(ended()), END)


def schema(model: Any) -> None:
    same(model.as_structured_llm(Place).chat([ChatMessage("Where is it?")]).raw, ANSWERED)


def vectors(model: Any) -> None:
    assert len(model.get_text_embedding_batch(["one", "two"])) == 2


CHECKS: dict[str, Callable[[Any], None]] = {
    "at once": at_once,
    "streams": streams,
    "completes": completes,
    "tools": tools,
    "schema": schema,
}
VECTORS: dict[str, Callable[[], Any]] = {
    "openai": lambda: OpenAILikeEmbedding(model_name=EMBEDS, api_base=f"{URL}/v1", api_key=KEY),
    "ollama": lambda: OllamaEmbedding(EMBEDS, base_url=URL),
}


main(checks_over(MODELS, CHECKS) | checks_over(VECTORS, {"vectors": vectors}))
