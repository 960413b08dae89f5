"""What a node tells of its files: a walk that hangs holds up nothing, and every name can be told."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from ai_pal.cluster import facts
from tests.process.eventually import eventually


def test_a_walk_that_hangs_holds_up_no_other_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    walks, hangs = list[Path](), threading.Event()

    def identities(cache: Path) -> Iterator[str]:
        walks.append(cache)
        if len(walks) > 1:
            hangs.wait()
        yield "m:1"

    monkeypatch.setattr(facts, "identities", identities)
    monkeypatch.setattr(facts, "FILES_SECONDS", 0.0)
    node = facts.Facts("a", tmp_path)
    try:
        assert node.look().files == {"m:1"}
        eventually(lambda: len(walks) > 1)
        assert node.look().files == {"m:1"}
    finally:
        monkeypatch.setattr(facts, "FILES_SECONDS", 3600.0)
        hangs.set()


def test_a_name_that_is_no_text_is_left_out(tmp_path: Path) -> None:
    for name in (b"m.gguf", b"\xff.gguf"):
        (tmp_path / os.fsdecode(name)).touch()
    found = facts.Facts("a", tmp_path).look()
    assert found.files == {"m.gguf:0"}
    assert msgspec.json.encode(found)
