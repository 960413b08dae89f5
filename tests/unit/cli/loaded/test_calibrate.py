"""What `ai-pal calibrate` says when it is stopped."""

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from ai_pal.cli.loaded import calibrate


@pytest.mark.parametrize(
    ("models", "again"),
    [(["phi-2", "phi-3"], "ai-pal calibrate phi-3"), ([], "ai-pal calibrate")],
    ids=["the second of two", "the usual model"],
)
def test_ctrl_c_tells_what_goes_on(
    models: list[str], again: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def followed(client: None, model: str) -> str:
        if model == "phi-2":
            return "phi-2"
        raise KeyboardInterrupt

    def served(settings: object, ask: Callable[[Any], None]) -> None:
        ask(None)

    monkeypatch.setattr(calibrate, "served", served)
    monkeypatch.setattr(calibrate, "_followed", followed)
    monkeypatch.setattr(calibrate, "_line", str)
    with pytest.raises(KeyboardInterrupt):
        calibrate.run(argparse.Namespace(models=models))
    assert capsys.readouterr().err == f"what was answered is kept: {again} goes on\n"
