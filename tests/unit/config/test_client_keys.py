"""Keys of clients: made once, kept as a hash, taken back."""

import hmac
from pathlib import Path

import pytest

from ai_pal.config import paths
from ai_pal.config.client_keys import PREFIX, ClientKey, create, named_by, read_keys, revoke
from ai_pal.errors import AiPalError, Code

RIGHTS = ClientKey(sha256="", created=0.0, models=("smollm2*",), local_only=True, budget_day=0.5)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path), "AI_PAL_HOME": str(tmp_path / "home")}


def test_a_key_is_nowhere_but_with_who_made_it(environ: dict[str, str]) -> None:
    key = create("guest", RIGHTS, environ)
    file = paths.client_keys_file(environ)
    assert key.startswith(PREFIX)
    assert len(key) > len(PREFIX) + 40
    assert key.removeprefix(PREFIX) not in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    kept = read_keys(environ)["guest"]
    assert (kept.models, kept.local_only, kept.budget_day, kept.expires) == (("smollm2*",), True, 0.5, None)


def test_only_the_whole_key_is_it(environ: dict[str, str]) -> None:
    key = create("guest", RIGHTS, environ)
    keys = read_keys(environ)
    assert named_by(key, keys) == "guest"
    wrong = ["", PREFIX, key[:-1], key + "x", key[:20], key.upper(), keys["guest"].sha256, "guest", "\udcff"]
    assert [named_by(other, keys) for other in wrong] == [""] * len(wrong)


def test_all_keys_are_compared_each_in_whole(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [create(name, RIGHTS, environ) for name in "abc"]
    compared: list[str] = []

    def looks(known: str, given: str) -> bool:
        compared.append(known)
        return known == given

    monkeypatch.setattr(hmac, "compare_digest", looks)
    found = read_keys(environ)
    assert named_by(keys[0], found) == "a"
    assert compared == [known.sha256 for known in found.values()]


def test_a_key_that_is_taken_back_is_none(environ: dict[str, str]) -> None:
    first, second = create("a", RIGHTS, environ), create("b", RIGHTS, environ)
    assert revoke("a", environ) == 1
    assert [named_by(key, read_keys(environ)) for key in (first, second)] == ["", "b"]
    with pytest.raises(AiPalError, match="no key 'a'"):
        revoke("a", environ)


@pytest.mark.parametrize("name", ["", "a b", "-a", "a/b", "a\n", "x" * 65, "ä"])
def test_a_name_can_be_shown(environ: dict[str, str], name: str) -> None:
    with pytest.raises(AiPalError, match="can be no key's name"):
        create(name, RIGHTS, environ)


def test_a_name_is_given_once(environ: dict[str, str]) -> None:
    create("guest", RIGHTS, environ)
    with pytest.raises(AiPalError, match="already"):
        create("guest", RIGHTS, environ)


@pytest.mark.parametrize("text", ["", "[]", '{"a": {}}', '{"a": {"sha256": "x", "created": 0, "never": 1}}'])
def test_what_cannot_be_read_is_not_no_key(environ: dict[str, str], text: str) -> None:
    file = paths.client_keys_file(environ)
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(AiPalError) as refused:
        read_keys(environ)
    assert refused.value.code == Code.FILE_UNREADABLE
