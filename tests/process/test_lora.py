"""Adapters from the command line: a model with one is a model of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import lora, tiny_gguf
from tests.process.command import ai_pal_bytes
from tests.process.homes import Environ

pytestmark = pytest.mark.real_model

GREEDY = ("--temperature", "0", "--max-tokens", "12", "the sea is deep")


def asked(home: Environ, cwd: Path, *args: str) -> Any:
    """What a command prints as JSON, or says on stderr."""
    done = ai_pal_bytes(home, *args, cwd=cwd)
    return json.loads(done.stdout) if done.returncode == 0 else (done.stderr + done.stdout).decode()


def test_a_model_answers_with_its_adapter(home: Environ, tmp_path: Path) -> None:
    tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece")
    tiny_gguf.save(tmp_path / "merged.gguf", "sentencepiece", changes=lora.changes(0.5))
    lora.save_gguf(tmp_path / "a.gguf")
    chat = ("chat", "--json", "--context", "256")
    adapted = asked(home, tmp_path, *chat, "-m", "./m.gguf", "--lora", "a.gguf=0.5", *GREEDY)
    merged = asked(home, tmp_path, *chat, "-m", "./merged.gguf", *GREEDY)
    plain = asked(home, tmp_path, *chat, "-m", "./m.gguf", *GREEDY)
    assert adapted["text"] == merged["text"] != plain["text"]
    assert adapted["model"] == f"{tmp_path}/m.gguf?context=256&lora={tmp_path}/a.gguf=0.5"
    loaded = {one["model"] for one in asked(home, tmp_path, "ps", "--json")}
    assert {adapted["model"], plain["model"]} <= loaded


def test_what_cannot_take_one_says_so(home: Environ, tmp_path: Path) -> None:
    tiny_gguf.save(tmp_path / "m.gguf", "sentencepiece")
    wrong = asked(home, tmp_path, "chat", "-m", "./m.gguf", "--lora", "m.gguf", "hi")
    assert "is a whole model, not an adapter (LoRA)" in wrong
    adapter = lora.save_gguf(tmp_path / "a.gguf")
    assert "no weights" in asked(home, tmp_path, "chat", "-m", "echo", "--lora", str(adapter), "hi")
