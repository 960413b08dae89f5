"""What Ctrl-C ends, and in which guise."""

import pytest

from ai_pal import cli
from ai_pal.__main__ import CTRL_C, main


def _fails_over_it(arguments: list[str]) -> int:
    """As argparse does, that tidies up what it has not set yet."""
    try:
        raise KeyboardInterrupt
    finally:
        raise AttributeError("no attribute 'save_nargs'")


def _fails(arguments: list[str]) -> int:
    raise AttributeError("a fault of ours")


def test_an_error_that_came_of_ctrl_c_is_ctrl_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "run", _fails_over_it)
    assert main(["chat"]) == CTRL_C


def test_any_other_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "run", _fails)
    with pytest.raises(AttributeError, match="a fault of ours"):
        main(["chat"])
