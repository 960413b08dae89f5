"""How far a download is, as lines of a log."""

import pytest

from ai_pal.cli.terminal.downloads import Lines
from ai_pal.protocol.client import Pulling


def test_nothing_is_said_of_a_download_that_has_not_begun(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().show(Pulling(1, "phi-2", 0, 2_000_000_000))
    assert capsys.readouterr().err == ""


def test_a_line_is_said_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    for done in (1_000_000, 2_000_000, 200_000_000, 2_000_000_000):
        lines.show(Pulling(1, "phi-2", done, 2_000_000_000))
    assert capsys.readouterr().err.splitlines() == [
        "pulling phi-2: 0% (1 MB of 2.0 GB)",
        "pulling phi-2: 10% (200 MB of 2.0 GB)",
        "pulling phi-2: 100% (2.0 GB of 2.0 GB)",
    ]
