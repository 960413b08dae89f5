"""What killed agents leave behind is removed, and nothing else."""

import socket
import time
from pathlib import Path

from ai_pal.cluster.agent_folder import OLD, PREFIX, SOCKET, make, remove, sweep


def test_what_is_old_and_nobodys_goes(tmp_path: Path) -> None:
    for name in (f"{PREFIX}dead", f"{PREFIX}alive", "other"):
        (tmp_path / name).mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / f"{PREFIX}alive" / SOCKET))
        listener.listen()
        sweep(tmp_path)
        assert len(list(tmp_path.iterdir())) == 3, "one that is made just now is an agent's that begins"
        sweep(tmp_path, time.time() + OLD + 1)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{PREFIX}alive", "other"]


def test_one_is_for_its_owner_alone() -> None:
    folder = make()
    assert folder.stat().st_mode & 0o777 == 0o700
    remove(folder)
    remove(folder)
    assert not folder.exists()
