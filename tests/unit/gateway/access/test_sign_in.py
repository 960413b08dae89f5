"""A cookie lets in whom its key lets in, as long as that does; another user of this machine is told apart."""

import socket
from pathlib import Path

import pytest

from ai_pal.config.client_keys import ClientKey
from ai_pal.gateway.access import sign_in
from ai_pal.gateway.page.owner import is_owner

NOW = 1000.0
ANN = ClientKey(sha256="aa", created=0.0, manage=True)
KEYS = {"ann": ANN, "old": ClientKey(sha256="bb", created=0.0, expires=NOW)}


def holder(value: str, now: float = NOW, keys: dict[str, ClientKey] = KEYS) -> str:
    return sign_in.holder({"cookie": f"other=1; {sign_in.NAME}={value}"}, keys, now)


def test_it_is_known_until_its_time_is_over() -> None:
    value = sign_in.token("ann", ANN, 2000)
    assert holder(value) == "ann"
    assert holder(value, 2000.0) == ""
    assert ANN.sha256 not in value


def test_it_dies_with_its_key() -> None:
    value = sign_in.token("ann", ANN, 2000)
    assert holder(value, keys={}) == ""
    assert holder(value, keys={"ann": ClientKey(sha256="cc", created=0.0)}) == ""
    assert holder(sign_in.token("old", KEYS["old"], 2000)) == ""


def test_one_that_nobody_has_signed_is_none() -> None:
    name, until, signature = sign_in.token("ann", ANN, 2000).split(".")
    for value in (
        *("", "x", "..", f"{name}.{until}.", f"{name}.3000.{signature}", f"{name}.x.{signature}"),
        *(
            f"!!.{until}.{signature}",
            f"{name}.{until}.{signature}x",
            f"{name}.{until}.{signature}.x",
            "é.1.2",
        ),
    ):
        assert holder(value) == "", value
    assert sign_in.holder({}, KEYS, NOW) == ""


def test_it_is_sent_to_the_page_only_and_no_script_reads_it() -> None:
    said = sign_in.cookie("x.1.y", tls=True).decode()
    assert said.startswith("ai-pal-page=x.1.y; Path=/page; ")
    assert said.endswith("; HttpOnly; SameSite=Strict; Secure")
    assert "Max-Age=0" in sign_in.cookie("", tls=False).decode()


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_connection_of_this_user_is_the_owners(
    family: socket.AddressFamily, host: str, tmp_path: Path
) -> None:
    with socket.create_server((host, 0), family=family) as listening:
        place = listening.getsockname()[:2]
        with socket.create_connection(place) as asking:
            client = asking.getsockname()[:2]
            assert is_owner(client, place)
            tables = []
            for name in ("tcp", "tcp6"):
                lines = Path("/proc/net", name).read_text().splitlines()
                changed = [lines[0]]
                for line in lines[1:]:
                    fields = line.split()
                    fields[7] = "12345"
                    changed.append(" ".join(fields))
                tables.append(tmp_path / name)
                tables[-1].write_text("\n".join(changed))
            assert not is_owner(client, place, tuple(tables))


def test_where_nothing_is_told_it_is_the_owner(tmp_path: Path) -> None:
    assert is_owner(None, None)
    assert is_owner(("192.0.2.1", 1), ("192.0.2.2", 2))
    assert is_owner(("127.0.0.1", 1), ("127.0.0.1", 2), (tmp_path / "none",))
