"""Where things lie, and that the run directory is private and short."""

import os
from pathlib import Path

import pytest

from ai_pal.config import paths
from ai_pal.errors import AiPalError, Code

MOUNTS = """\
22 1 254:0 / / rw - ext4 /dev/vda rw
30 22 0:40 / /home rw - nfs4 server:/home rw
31 30 0:41 / /home/me/my\\040disk rw - xfs /dev/vdb rw
"""


def test_all_lies_under_home() -> None:
    environ = {"HOME": "/home/me"}
    assert paths.home(environ) == Path("/home/me/.ai-pal")
    assert paths.model_cache_dir(environ) == Path("/home/me/.ai-pal/models")
    assert paths.log_dir(environ) == Path("/home/me/.ai-pal/logs")
    assert paths.history_file(environ) == Path("/home/me/.ai-pal/history")
    assert paths.run_dir(environ) == Path("/home/me/.ai-pal/run")


def test_ai_pal_home_moves_it() -> None:
    assert paths.run_dir({"HOME": "/home/me", "AI_PAL_HOME": "/srv/pal"}) == Path("/srv/pal/run")


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "/home/me/.config/ai-pal/config.toml"),
        ({"XDG_CONFIG_HOME": "/xdg"}, "/xdg/ai-pal/config.toml"),
        ({"XDG_CONFIG_HOME": "relative"}, "/home/me/.config/ai-pal/config.toml"),
        ({"XDG_CONFIG_HOME": "/xdg", "AI_PAL_CONFIG": "/my.toml"}, "/my.toml"),
    ],
)
def test_the_config_file_is_found(environ: dict[str, str], expected: str) -> None:
    assert paths.config_file({"HOME": "/home/me", **environ}) == Path(expected)


def test_a_home_too_long_for_sockets_moves_the_run_directory_to_tmp() -> None:
    folder = paths.run_dir({"AI_PAL_HOME": "/srv/" + "x" * 80})
    assert str(folder).startswith(f"/tmp/ai-pal-{os.getuid()}-")
    assert folder != paths.run_dir({"AI_PAL_HOME": "/srv/" + "y" * 80})


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/home/me/.ai-pal/run", "nfs4"), ("/home/me/my disk/x", "xfs"), ("/homes", "ext4"), ("/", "ext4")],
)
def test_the_file_system_of_a_path_is_known(path: str, kind: str) -> None:
    assert paths.file_system(path, MOUNTS) == kind


def test_a_private_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = paths.make_private(tmp_path / "a" / "run")
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o755)
    assert paths.make_private(folder).stat().st_mode & 0o777 == 0o700


def test_a_link_or_file_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "file").touch()
    for name in ("link", "file"):
        with pytest.raises(AiPalError) as caught:
            paths.make_private(tmp_path / name)
        assert caught.value.code == Code.RUN_DIR_UNSAFE


@pytest.mark.parametrize("environ", [{"AI_PAL_HOME": "/tmp/b\udcff"}, {"HOME": "/home/b\udcff"}])
def test_a_home_whose_name_is_not_text_is_refused(environ: dict[str, str]) -> None:
    with pytest.raises(AiPalError, match="is not UTF-8") as caught:
        paths.run_dir(environ)
    assert caught.value.code == Code.CONFIG_INVALID


@pytest.fixture
def a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user has no entry in passwd."""
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000_000)


@pytest.mark.usefixtures("a_stranger")
def test_without_a_home_ai_pal_home_is_one() -> None:
    environ = {"AI_PAL_HOME": "/srv/pal"}
    assert paths.user_home(environ) == Path("/srv/pal")
    assert paths.config_file(environ) == Path("/srv/pal/.config/ai-pal/config.toml")
    assert paths.hub_cache(environ) == Path("/srv/pal/.cache/huggingface/hub")
    assert paths.expanded("~/x", environ) == "/srv/pal/x"
    assert paths.settled(environ) == {"HOME": "/srv/pal"}


@pytest.mark.usefixtures("a_stranger")
@pytest.mark.parametrize("environ", [{}, {"HOME": ""}, {"AI_PAL_HOME": "~/pal"}])
def test_without_any_home_that_is_said(environ: dict[str, str]) -> None:
    for place in (paths.home, paths.run_dir, paths.config_file):
        with pytest.raises(AiPalError) as caught:
            place(environ)
        assert caught.value.code == Code.CONFIG_INVALID
        assert caught.value.failure.hint
    assert "HOME" not in paths.settled(environ)


def test_relative_places_are_settled_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said = {"HOME": "h", "AI_PAL_HOME": "p", "AI_PAL_CONFIG": "/c.toml", "HF_HOME": "~/hf", "NETRC": ""}
    assert paths.settled(said) == {"HOME": f"{tmp_path}/h", "AI_PAL_HOME": f"{tmp_path}/p"}
    assert paths.user_home(said) == tmp_path / "h"
    assert paths.settled({"HOME": "/h", "SSL_CERT_DIR": "/a:b"}) == {"SSL_CERT_DIR": f"/a:{tmp_path}/b"}


def test_the_home_of_somebody_who_is_not_there_stays_as_it_is() -> None:
    assert paths.expanded("~nobody-of-this-name/x") == "~nobody-of-this-name/x"
    assert paths.expanded("~/x", {"HOME": "/home/me"}) == "/home/me/x"
