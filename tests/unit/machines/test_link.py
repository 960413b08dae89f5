"""The near end of a link, over a command in place of ssh."""

from pathlib import Path

import pytest

from ai_pal.errors import AiPalError
from ai_pal.machines import link
from ai_pal.protocol.provider import Machine


def test_a_login_that_writes_and_never_ends_is_told_without_waiting_for_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\nexec yes Welcome\n")
    ssh.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(link, "ENDS_SECONDS", 0.0)
    monkeypatch.setattr(link, "WAIT_SECONDS", 200.0)
    near = link.Link("box", Machine(ssh="user@box"))
    with pytest.raises(AiPalError, match="something else writes to the connection"):
        near.open()
