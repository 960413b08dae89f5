"""`OLLAMA_HOST` as Ollama's own command reads it; `tests/process/test_ollama_host.py` asks a real one."""

import asyncio
from urllib.parse import urlsplit

import pytest

from ai_pal import privacy
from ai_pal.config.ollama_host import address
from ai_pal.egress.providers import Providers
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.provider import Provider
from tests.servers.ollama_hosts import HOSTS, NEWER

USUAL = "http://127.0.0.1:11434"


@pytest.mark.parametrize(("said", "url"), [(s, u) for s, u in (HOSTS | NEWER).items() if u is not None])
def test_it_leads_where_ollamas_own_command_goes(said: str, url: str) -> None:
    assert (address(said) or USUAL) == url


@pytest.mark.parametrize("said", [*(s for s, u in HOSTS.items() if u is None), "\udcff", "\udcff::1"])
def test_what_ollama_cannot_ask_is_no_address_here_either(said: str) -> None:
    url = address(said)
    url.encode()  # it travels
    with pytest.raises(AiPalError) as caught:
        asyncio.run(Providers().adapter(Provider("ollama", "ollama", url)))
    assert caught.value.failure.code == Code.PROVIDER_UNREACHABLE
    assert "OLLAMA_HOST" in caught.value.failure.message


@pytest.mark.parametrize("said", [said for said, url in HOSTS.items() if url is not None])
def test_what_is_said_to_stay_here_is_loopback(said: str) -> None:
    url = address(said) or USUAL
    here = urlsplit(url).hostname in ("127.0.0.1", "127.1.2.3", "::1", "localhost")
    assert here or not privacy.is_loopback(url)


def test_names_of_other_scripts_stay() -> None:
    assert address("b\u00fccher.example") == "http://b\u00fccher.example:11434"
