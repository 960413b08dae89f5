"""The identity of an AI-PAL is made once, for its owner, and stays."""

from pathlib import Path

import pytest

from ai_pal.errors import AiPalError
from ai_pal.machines.identity import own_identity


def test_an_identity_is_made_once(tmp_path: Path) -> None:
    file = tmp_path / "home" / "identity"
    first = own_identity(file)
    assert len(first) == 32
    assert own_identity(file) == first
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["identity"]


def test_a_place_where_none_can_be_kept_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AiPalError):
        own_identity(tmp_path / "file" / "identity")
