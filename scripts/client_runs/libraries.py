"""Python's libraries, in one environment of their own: each runs a program of checks under programs/."""

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
PLAN = Plan((Call("weather", {"city": "Oslo"}),), "It rains in Oslo.")
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


def _library(about: str, package: str, program: str) -> Client:
    def command(place: Place) -> list[str]:
        python = str(place.installed / "bin" / "python")
        return [python, "-P", "-m", f"scripts.client_runs.programs.{program}"]

    files = _llm_files if package == "llm" else lambda _: {}
    return Client(about, BUNDLE, package, command, lambda _: PLAN, _environ, files, edits=False)


LIBRARIES = {
    "llm": _library("Simon Willison's llm, chat completions", "llm", "llm_command"),
    "litellm": _library("LiteLLM: openai, anthropic, ollama_chat, ollama", "litellm", "litellm_calls"),
    "langchain": _library("LangChain: openai, anthropic, ollama", "langchain-openai", "langchain_models"),
    "pydantic-ai": _library("PydanticAI: openai, anthropic, ollama", "pydantic-ai-slim", "pydantic_agents"),
    "openai-agents": _library("OpenAI's Agents SDK", "openai-agents", "openai_agents"),
}
