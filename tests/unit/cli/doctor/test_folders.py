"""What `ai-pal doctor` says of the disk that holds AI_PAL_HOME."""

from pathlib import Path

import pytest

from ai_pal.cli.doctor.folders import check_folders, home_space
from ai_pal.config import Settings


@pytest.mark.parametrize(("free", "state"), [(0, "warn"), (49_999_999, "warn"), (50_000_000, "ok")])
def test_a_home_with_little_space_is_a_warning(free: int, state: str) -> None:
    found = home_space(Path("/home/me/.ai-pal"), free)
    assert (found.state, bool(found.mend)) == (state, state == "warn")
    assert "/home/me/.ai-pal" in found.text


def test_the_space_of_the_home_is_looked_at(ai_pal_home: Path) -> None:
    found = {finding.check: finding for finding in check_folders(Settings(), running=False)}
    assert str(ai_pal_home) in found["home space"].text
