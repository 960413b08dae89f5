"""Where `ai-pal serve` listens: flags go over the setting."""

import argparse
from pathlib import Path

import pytest

from ai_pal.cli.service.serve import chosen_place, configure
from ai_pal.config.http_settings import HttpSettings
from ai_pal.config.listening import Address
from ai_pal.errors import AiPalError

SOCKET = "/run/ai-pal.sock"


def chosen(*args: str, listen: str = "[::1]:80") -> Address | Path:
    parser = argparse.ArgumentParser()
    configure(parser)
    return chosen_place(parser.parse_args(args), HttpSettings(listen=listen))


def test_flags_go_over_the_setting() -> None:
    assert chosen() == Address("::1", 80)
    assert chosen("--port", "0") == Address("::1", 0)
    assert chosen("--host", "127.0.0.2") == Address("127.0.0.2", 80)
    assert chosen("--socket", SOCKET) == Path(SOCKET)
    assert chosen(listen=SOCKET) == Path(SOCKET)
    assert chosen("--port", "81", listen=SOCKET) == Address("127.0.0.1", 81)
    assert chosen(listen=HttpSettings().listen) == Address("127.0.0.1", 11435)


def test_a_socket_has_no_port() -> None:
    with pytest.raises(AiPalError, match="no port"):
        chosen("--socket", SOCKET, "--port", "0")
