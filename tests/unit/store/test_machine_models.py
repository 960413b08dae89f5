"""What other machines have told last of their models."""

from pathlib import Path

from ai_pal.config import Settings
from ai_pal.config.machine_settings import MachineSettings
from ai_pal.store.machine_models import forget_models, keep_models, told_models

BOX = MachineSettings(ssh="me@box", host_key="ssh-ed25519 AAAA", identity="0" * 32)
SETTINGS = Settings(machines={"box": BOX})


def test_what_a_machine_told_is_known_until_it_is_another_one(tmp_path: Path) -> None:
    environ = {"AI_PAL_HOME": str(tmp_path), "HOME": str(tmp_path)}
    assert told_models(SETTINGS, environ) == {}
    keep_models("box", BOX.identity, ["qwen3:8b", "echo"], environ)
    assert told_models(SETTINGS, environ) == {"box": ["echo", "qwen3:8b"]}
    assert (tmp_path / "machines.json").stat().st_mode & 0o077 == 0
    other = MachineSettings(ssh="me@box", host_key="ssh-ed25519 AAAA", identity="1" * 32)
    assert told_models(Settings(machines={"box": other}), environ) == {}
    assert told_models(Settings(), environ) == {}, "one that is no more in the settings"
    forget_models("box", environ)
    assert told_models(SETTINGS, environ) == {}


def test_a_damaged_file_says_nothing(tmp_path: Path) -> None:
    environ = {"AI_PAL_HOME": str(tmp_path), "HOME": str(tmp_path)}
    (tmp_path / "machines.json").write_bytes(b"\xff{")
    assert told_models(SETTINGS, environ) == {}
    keep_models("box", BOX.identity, ["echo"], environ)
    assert told_models(SETTINGS, environ) == {"box": ["echo"]}
