"""Who may ask, by a request's head alone."""

from pathlib import Path

import pytest

from ai_pal.config.http_settings import HttpSettings
from ai_pal.gateway.access.admission import FORM, JSON, OCTETS, Policy, Refusal, names_of, refusal
from ai_pal.gateway.access.callers import Callers
from ai_pal.gateway.entrance import Gate
from ai_pal.gateway.operations import error_body
from ai_pal.gateway.route import PAGE, Route
from ai_pal.gateway.wire.limits import limits_of

HERE = Policy(names_of("Laptop.home.example") | {"models.example"})

NAME = "host.docker.internal"


def status(method: str = "POST", form: bool = False, **headers: str | None) -> int:
    """Of a request with these headers, `_` for `-`; 200 is none that is refused."""
    said = {"host": "localhost:11435", "content_length": "9", **headers}
    given = {name.replace("_", "-"): value for name, value in said.items() if value is not None}
    why = refusal(method, given, HERE, form=form)
    return why.status if why else 200


def test_programs_of_before_name_nobody() -> None:
    assert status("GET", host=None) == status(host=None, content_type=JSON) == 200
    assert status("GET", host="") == status("GET", host=None, sec_fetch_site="cross-site") == 403
    assert status("GET", host=None, origin="http://localhost:3000") == 403


@pytest.mark.parametrize(
    ("kind", "elsewhere", "as_form"),
    [
        (JSON, 200, 200),
        ("Application/JSON; charset=utf-8", 200, 200),
        ("application/vnd.api+json", 200, 200),
        (None, 200, 200),
        (FORM, 415, 200),
        (OCTETS, 415, 200),
        ("text/plain", 415, 415),
        ("text/json", 200, 200),
        ("multipart/form-data; boundary=x", 415, 415),
    ],
)
def test_what_programs_may_call_their_body(kind: str | None, elsewhere: int, as_form: int) -> None:
    assert status(content_type=kind) == elsewhere
    assert status(content_type=kind, form=True) == as_form


@pytest.mark.parametrize("kind", [None, "", FORM, OCTETS, "text/plain"])
@pytest.mark.parametrize("page", [{"origin": "http://localhost:3000"}, {"sec_fetch_site": "same-origin"}])
def test_a_page_has_to_say_that_it_sends_json(kind: str | None, page: dict[str, str]) -> None:
    assert status(content_type=kind, form=True, **page) == 415


def test_what_says_nothing_needs_no_type() -> None:
    assert status(content_length="0", origin="http://localhost:3000") == 200


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:80", 200),
        ("192.168.0.7", 200),
        ("models.example", 200),
        ("host.docker.internal:11435", 200),
        ("host.containers.internal", 200),
        ("LAPTOP:11435", 200),
        ("laptop.local", 200),
        ("laptop.home.example.", 200),
        ("laptop.example", 403),
        ("evil.internal", 403),
        ("evil.local", 403),
        ("host.docker.internal.evil.example", 403),
        ("", 403),
    ],
)
def test_the_names_of_this_machine(host: str, expected: int) -> None:
    assert status("GET", host=host) == expected


@pytest.mark.parametrize("page", [{"origin": f"http://{NAME}:11435"}, {"sec_fetch_site": "same-origin"}])
def test_pages_have_no_name_that_only_containers_have(page: dict[str, str]) -> None:
    """A network that answers for it could have a browser load one, and then point it at this machine."""
    assert status(form=False, content_type=JSON, host=f"{NAME}:11435", **page) == 403
    assert status("GET", form=False, host=f"{NAME.upper()}:11435", **page) == 403
    assert status(content_type=JSON, host=f"{NAME}:11435") == 200
    said = {"host": f"{NAME}:11435", **{name.replace("_", "-"): value for name, value in page.items()}}
    assert refusal("GET", said, Policy(frozenset({NAME}))) is None


@pytest.mark.parametrize(("host", "expected"), [(NAME, 403), ("box", None)])
def test_the_page_is_not_shown_by_such_a_name(host: str, expected: int | None, tmp_path: Path) -> None:
    """Browsers tell a server without TLS nothing of where a plain GET comes from."""
    page = Route("GET", "/page/state", PAGE, error_body)
    callers, limits = Callers(environ={"HOME": str(tmp_path)}), limits_of(HttpSettings())
    gate = Gate(Policy(frozenset({"box"})), callers, limits, [page], local_socket=False)
    found = gate.lets_in("GET", page.path, {"host": f"{host}:11435"})
    assert (found.status if isinstance(found, Refusal) else found) == expected


def test_a_machine_without_a_name_has_none() -> None:
    assert names_of("") == frozenset()
