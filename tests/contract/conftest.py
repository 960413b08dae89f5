"""One egress process, and one counterpart per provider protocol, for the whole session."""

from collections.abc import Iterator

import pytest

from ai_pal.protocol.provider import Api
from tests.contract.providers import Counterpart, Find
from tests.egress_driver import EgressDriver, egress_process
from tests.servers import forms, llama_cpp
from tests.servers.clouds import cohere
from tests.servers.loopback import Loopback

KEYS = {
    "AI_PAL_KEY_OPENAI": llama_cpp.KEY,
    "AI_PAL_KEY_ANTHROPIC": llama_cpp.KEY,
    "AI_PAL_KEY_COHERE": cohere.KEY,
}


@pytest.fixture(scope="session")
def egress() -> Iterator[EgressDriver]:
    with egress_process(KEYS) as driver:
        yield driver


@pytest.fixture(scope="session")
def cohere_url() -> Iterator[str]:
    with Loopback(cohere.cohere) as server:
        yield server.url


@pytest.fixture(scope="session")
def find(request: pytest.FixtureRequest) -> Find:
    """The counterpart of an API, started when it is first asked for."""

    def counterpart(api: Api) -> Counterpart:
        match api:
            case "ollama":
                return Counterpart(api, request.getfixturevalue("ollama_url"), "smollm2")
            case "openai":
                return Counterpart(api, request.getfixturevalue("llama_cpp_url"), "smollm2", "/v1")
            case "anthropic":
                return Counterpart(api, request.getfixturevalue("llama_cpp_url"), "smollm2")
            case "cohere":
                return Counterpart(api, request.getfixturevalue("cohere_url"), cohere.MODEL)
            case "machine":
                raise NotImplementedError(forms.OTHER)

    return counterpart
