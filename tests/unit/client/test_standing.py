"""Who may replace whose supervisor, and what is said of it."""

import pytest

from ai_pal.client.standing import standing
from ai_pal.config.fingerprint import FILE, HERE
from ai_pal.protocol.client import FINGERPRINT, PROTOCOL, Welcome

MINE = {"threads": f"{FILE}1", "HTTPS_PROXY": f"{HERE}2"}


def met(
    version: str = "0.3.0",
    said: dict[str, str] | None = None,
    *,
    auto: bool = True,
    uptime: float = 100.0,
    knows: bool = True,
) -> Welcome:
    features = [FINGERPRINT] if knows else []
    return Welcome(PROTOCOL, version, 7, "", auto, features, "", said or {}, uptime)


def test_one_like_mine_is_used_without_a_word() -> None:
    assert standing(met(said=MINE), "0.3.0", MINE) == standing(met(), "0.3.0", {})
    assert not any(standing(met(said=MINE), "0.3.0", MINE, age=1e6))


def test_one_with_other_settings_is_replaced_and_they_are_named() -> None:
    found = standing(met(said={"threads": f"{FILE}9"}), "0.3.0", MINE)
    assert found.replace
    assert found.replaced == "restarted the supervisor: HTTPS_PROXY, threads changed"
    assert found.remark.endswith("has other settings (HTTPS_PROXY, threads) and is busy: using it as it is")


def test_one_in_the_foreground_is_mentioned_and_stays() -> None:
    found = standing(met(auto=False), "0.3.0", MINE)
    assert not found.replace
    assert found.remark == (
        "the supervisor (pid 7) in the foreground has other settings (HTTPS_PROXY, threads): restart it"
    )
    assert standing(met("0.2.0", auto=False), "0.3.0", {}).remark == (
        "the supervisor (pid 7) in the foreground is version 0.2.0, not 0.3.0: restart it"
    )


@pytest.mark.parametrize(
    ("theirs", "mine", "replace"),
    [
        ("0.2.9", "0.3.0", True),
        ("0.9.0", "0.10.0", True),
        ("0.10.0", "0.9.0", False),
        ("0.3.1", "0.3.0", False),
        ("1.0.0", "0.3.0", False),
        ("", "0.3.0", True),
    ],
)
def test_versions_have_an_order(theirs: str, mine: str, replace: bool) -> None:
    found = standing(met(theirs), mine, MINE)
    assert found.replace is replace
    assert f"is version {theirs}, not {mine}" in found.remark


def test_one_that_does_not_tell_its_settings_is_an_earlier_build() -> None:
    assert standing(met(knows=False), "0.3.0", {}).replaced == (
        "restarted the supervisor: the old one is an earlier build of version 0.3.0"
    )


def test_one_that_was_started_after_my_settings_were_read_is_not_replaced() -> None:
    other = met(said={"threads": f"{FILE}9"}, uptime=50.0)
    assert standing(other, "0.3.0", MINE, age=10.0).replace
    younger = standing(other, "0.3.0", MINE, age=60.0)
    assert not younger.replace
    assert "is newer than this" in younger.remark
    assert standing(met("0.2.0", uptime=-1.0, knows=False), "0.3.0", MINE, age=60.0).replace
