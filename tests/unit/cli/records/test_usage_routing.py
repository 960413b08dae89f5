"""What answers have taught of doubts, for people and scripts."""

from pathlib import Path

import pytest

from ai_pal.cli import run
from ai_pal.cli.records.usage_routing import cells
from ai_pal.store.doubts import Calibration, DoubtFile, Mark, ModelDoubts, Seen, Unfinished
from ai_pal.store.taught import taught

KEY = "llamacpp /home/me/models/qwen-coder.gguf 1-2"


def test_a_row_for_each_kind_that_is_known() -> None:
    kinds = {"open": Seen(beginning=[1.0] * 30, whole=[1.0] * 20, good=2, bad=1), "code": Seen()}
    known = {KEY: ModelDoubts(Calibration(0.81, 150), 40.0, kinds), "echo echo": ModelDoubts()}
    assert [cells(row) for row in taught(known)] == [
        ("echo", "-", "0", "0", "0", "not calibrated"),
        ("qwen-coder.gguf", "open", "30", "2", "1", "yes (0.81)"),
    ]


def test_a_calibration_that_was_begun_tells_how_far_it_is() -> None:
    answers = {str(number): Mark(True, "whole", 0.1) for number in range(60)}
    (row,) = taught({KEY: ModelDoubts(unfinished=Unfinished("1", answers))})
    assert cells(row)[-1] == "calibrating, 40%"


def test_the_command_shows_it_and_forgets_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    assert run(["usage", "--routing"]) == 0
    assert "nothing is known" in capsys.readouterr().out
    file = DoubtFile(tmp_path / "doubts.json")
    file.calibrate(KEY, Calibration(0.81, 150))
    model = file.known(KEY)
    assert model is not None
    model.seen("open").add("whole", 1.0)
    file.save()
    assert run(["usage", "--routing"]) == 0
    assert "open" in capsys.readouterr().out
    assert run(["usage", "--routing", "--forget"]) == 0
    capsys.readouterr()
    assert run(["usage", "--routing", "--json"]) == 0
    assert '"answers": 0' in capsys.readouterr().out


@pytest.mark.parametrize(
    "argv", [["--forget"], ["--routing", "--since", "7d"], ["--routing", "--by", "model"]]
)
def test_what_does_not_go_together_is_refused(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["usage", *argv]) == 2
    said = capsys.readouterr().err
    assert "--routing" in said
    assert ("ai-pal usage --routing --forget" in said) is (argv == ["--forget"])
