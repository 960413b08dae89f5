"""Who may ask, by a request's head alone."""

import pytest

from ai_pal.gateway.admission import FORM, JSON, OCTETS, Policy, names_of, refusal

HERE = Policy(names_of("Laptop.home.example") | {"models.example"})


def status(method: str = "POST", form: bool = False, **headers: str | None) -> int:
    """Of a request with these headers, `_` for `-`; 200 is none that is refused."""
    said = {"host": "localhost:11435", "content_length": "9", **headers}
    given = {name.replace("_", "-"): value for name, value in said.items() if value is not None}
    why = refusal(method, given, HERE, form=form)
    return why.status if why else 200


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


def test_a_machine_without_a_name_has_none() -> None:
    assert names_of("") == frozenset()
