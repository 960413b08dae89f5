"""Python's libraries: each runs a program of checks under programs/. What pins its own versions has an
environment for itself."""

from collections.abc import Mapping
from pathlib import Path

from scripts.client_runs.clients import Bundle, Client, Place
from scripts.client_runs.plans import SIDE, Call, Plan

BUNDLE = Bundle(
    "python",
    "pip",
    (
        "llm==0.36",
        "litellm==1.110.2",
        "langchain-openai==1.7.4",
        "langchain-anthropic==1.7.10",
        "langchain-ollama==1.1.0",
        "pydantic-ai-slim[openai,anthropic]==2.68.0",
        "openai-agents==0.24.0",
    ),
)
OSLO = {"city": "Oslo"}
PLAN = Plan((Call("weather", OSLO),), "It rains in Oslo.", beside=(Call("clock", OSLO),))
ROOT = Path(__file__).parents[2]


def _environ(place: Place) -> Mapping[str, str]:
    """What litellm knows of prices it would fetch, pydantic's plugins and LangSmith would tell others."""
    return {
        "PYTHONPATH": str(ROOT),
        "GATEWAY": place.url,
        "MODEL": place.model,
        "WORDS": SIDE,
        "END": PLAN.end,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LANGSMITH_TRACING": "false",
        "OPENAI_AGENTS_DISABLE_TRACING": "1",
        "LLM_USER_PATH": str(place.home / "llm"),
    }


def _llm_files(place: Place) -> Mapping[str, str]:
    return {
        "llm/extra-openai-models.yaml": f"""\
- model_id: ai-pal
  model_name: "{place.model}"
  api_base: "{place.url}/v1"
  supports_tools: true
  supports_schema: true
"""
    }


def _library(about: str, package: str, program: str, bundle: Bundle = BUNDLE) -> Client:
    def command(place: Place) -> list[str]:
        python = str(place.installed / "bin" / "python")
        return [python, "-P", "-m", f"scripts.client_runs.programs.{program}"]

    files = _llm_files if package == "llm" else lambda _: {}
    return Client(about, bundle, package, command, lambda _: PLAN, _environ, files, edits=False)


def _alone(about: str, program: str, *wants: str) -> Client:
    """`wants` begins with what the row names."""
    package = wants[0].partition("[")[0].partition("==")[0]
    return _library(about, package, program, Bundle(package, "pip", wants))


LIBRARIES = {
    "llm": _library("Simon Willison's llm, chat completions", "llm", "llm_command"),
    "litellm": _library("LiteLLM: openai, anthropic, ollama_chat, ollama", "litellm", "litellm_calls"),
    "langchain": _library("LangChain: openai, anthropic, ollama", "langchain-openai", "langchain_models"),
    "pydantic-ai": _library("PydanticAI: openai, anthropic, ollama", "pydantic-ai-slim", "pydantic_agents"),
    "openai-agents": _library("OpenAI's Agents SDK", "openai-agents", "openai_agents"),
    "llama-index": _alone(
        "LlamaIndex: openai-like, ollama, vectors",
        "llama_index_models",
        "llama-index-llms-openai-like==0.8.1",
        "llama-index-llms-ollama==0.11.0",
        "llama-index-embeddings-openai-like==0.4.0",
        "llama-index-embeddings-ollama==0.10.0",
    ),
    "haystack": _alone(
        "Haystack: openai, anthropic, ollama, vectors",
        "haystack_components",
        "haystack-ai==3.4.1",
        "anthropic-haystack==8.0.1",
        "ollama-haystack==7.0.2",
    ),
    "instructor": _alone(
        "Instructor: openai, anthropic", "instructor_calls", "instructor[anthropic]==1.17.0"
    ),
    "strands": _alone(
        "Strands: openai, anthropic, ollama",
        "strands_agents",
        "strands-agents[openai,anthropic,ollama]==1.62.0",
    ),
    "smolagents": _alone(
        "smolagents: openai, LiteLLM", "smolagents_models", "smolagents[openai,litellm]==1.26.0"
    ),
}
