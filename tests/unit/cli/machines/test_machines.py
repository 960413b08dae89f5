"""`ai-pal machines` before any machine is asked."""

from pathlib import Path

import pytest

from ai_pal.cli import run
from ai_pal.store.machine_models import keep_models

BOX = f"""
[machines.box]
ssh = "me@box"
host_key = "ssh-ed25519 AAAA"
identity = "{"0" * 32}"
"""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["bo:x", "--ssh", "me@box"], "'bo:x' can be no name of a machine"),
        (["box", "--ssh", "me@box -p 22"], "--ssh 'me@box -p 22' is nothing that `ssh` could go to"),
        (["box", "--ssh", "me@box:2222"], "say it apart: --ssh me@box --port 2222"),
        (["box", "--ssh", "me@box", "--port", "70000"], "--port 70000 is no port"),
        (["box", "--url", "http://box:1"], "--url 'http://box:1' does not begin with https://"),
        (["box", "--url", "https://box:99999"], "--url 'https://box:99999' is no address of a server"),
        (["box", "--url", "https://:1"], "--url 'https://:1' is no address of a server"),
    ],
)
def test_what_is_wrong_with_a_machine_is_named(
    given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["machines", "add", *given]) == 2
    assert said in capsys.readouterr().err


def test_models_that_a_machine_has_told_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text(BOX)
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    monkeypatch.setenv("AI_PAL_CONFIG", str(tmp_path / "config.toml"))
    keep_models("box", "0" * 32, ["qwen3:8b"], {"AI_PAL_HOME": str(tmp_path), "HOME": str(tmp_path)})
    assert run(["complete", "models", "box:"]) == 0
    assert capsys.readouterr().out == "box:qwen3:8b\nbox:\ta machine of yours\n"
    assert run(["complete", "machines", "b"]) == 0
    assert capsys.readouterr().out == "box\tme@box\n"


def test_a_machine_at_its_gateway_has_a_key_like_a_provider(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config.toml").write_text('[machines.box]\nurl = "https://box:11435"\ncertificate = "TUlJ"\n')
    monkeypatch.setenv("AI_PAL_HOME", str(tmp_path))
    monkeypatch.setenv("AI_PAL_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("AI_PAL_KEY_BOX", "sk-aipal-secret")
    assert run(["keys", "list"]) == 0
    assert ["box", "AI_PAL_KEY_BOX", "yes"] in [line.split() for line in capsys.readouterr().out.splitlines()]
    assert run(["ps", "--on", "box"]) == 1
    assert "reached at its gateway" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["machines", "add"], ["history", "tag"]])
def test_the_help_of_an_action_has_examples(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run([*argv, "--help"])
    assert f"examples:\n  ai-pal {' '.join(argv)} " in capsys.readouterr().out
