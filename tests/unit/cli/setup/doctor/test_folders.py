"""What `ai-pal doctor` says of the disk that holds AI_PAL_HOME."""

from pathlib import Path

import pytest

from ai_pal.catalog.caches.cache import told_apart
from ai_pal.cli import run
from ai_pal.cli.setup.doctor.folders import check_folders, home_space
from ai_pal.config import Settings
from ai_pal.errors import AiPalError


@pytest.mark.parametrize(("free", "state"), [(0, "warn"), (49_999_999, "warn"), (50_000_000, "ok")])
def test_a_home_with_little_space_is_a_warning(free: int, state: str) -> None:
    found = home_space(Path("/home/me/.ai-pal"), free)
    assert (found.state, bool(found.mend)) == (state, state == "warn")
    assert "/home/me/.ai-pal" in found.text


def test_the_space_of_the_home_is_looked_at(ai_pal_home: Path) -> None:
    found = {finding.check: finding for finding in check_folders(Settings(), running=False)}
    assert str(ai_pal_home) in found["home space"].text


@pytest.mark.parametrize("place", ["file", "file/models"])
def test_a_file_where_models_are_to_lie_is_told_as_such(
    place: str, tmp_path: Path, ai_pal_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    cache = tmp_path / place
    found = {one.check: one for one in check_folders(Settings(model_cache_dir=str(cache)), running=False)}
    with pytest.raises(AiPalError) as refused, told_apart(cache):
        cache.mkdir(parents=True)
    for text, mend in (
        (found["model cache"].text, found["model cache"].mend),
        (refused.value.failure.message, refused.value.failure.hint),
    ):
        assert f"{tmp_path}/file is a file" in text
        assert "to a folder" in mend
    assert run(["config", "set", "model_cache_dir", str(tmp_path / "file")]) == 7
    assert "is a file" in capsys.readouterr().err


def test_a_file_as_the_home_is_told_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path / "file"))
    assert run(["history"]) == 7
    assert f"AI_PAL_HOME is {tmp_path}/file, which is a file" in capsys.readouterr().err
