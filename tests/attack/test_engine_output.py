"""What an engine writes of one request on its stderr reaches neither the log nor another client."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from ai_pal.client import Client
from ai_pal.errors import AiPalError
from ai_pal.protocol import client as wire
from ai_pal.protocol.options import GenerationOptions, Grammar
from tests.process.homes import environment
from tests.process.supervised import Supervised

CANARY = "the-grammar-canary-5d1"
BROKEN = Grammar(f'root ::= "{CANARY}" )\n{{"event": "{CANARY}"}}')
MODEL = "smollm2"


@pytest.mark.real_model
def test_a_broken_grammar_is_not_kept(starter_model: Path, ai_pal_home: Path) -> None:
    settings: dict[str, Any] = {
        "model_cache_dir": starter_model.parent.parent,
        "log_level": "debug",
        "context": 512,
    }
    with Supervised(environment(ai_pal_home), **settings) as daemon, daemon.client() as client:
        with pytest.raises(AiPalError, match="line 1, column 35: the end of the line is expected"):
            client.ask("hi", model=MODEL, response_format=BROKEN)
        detail = crashed(client)
        log = (ai_pal_home / "supervise.stderr").read_text()
    assert "left out: they may hold what was asked" in detail, "the engine has said nothing of it"
    assert CANARY not in detail
    assert CANARY not in log


def crashed(client: Client) -> str:
    """What the next client hears of the worker's end."""
    worker = next(one.pid for one in client.status().workers if one.model == MODEL)
    assert worker is not None
    answer = client.chat("Count to a thousand.", model=MODEL, options=GenerationOptions(max_tokens=400))
    for event in answer:
        if isinstance(event, wire.Delta):
            os.kill(worker, signal.SIGABRT)
            break
    *_, ended = answer
    assert isinstance(ended, wire.Interrupted), ended
    return ended.reason.detail
