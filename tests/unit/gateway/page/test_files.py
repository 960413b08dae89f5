"""The page's own files: small, in one version, and without a word to anybody else."""

import re
from importlib.resources import files as resources

import pytest

from ai_pal.gateway.access.admission import from_elsewhere, wants_page
from ai_pal.gateway.page import files
from ai_pal.gateway.wire.statuses import StatusError

STATIC = {one.name: one.read_text() for one in (resources("ai_pal.gateway.page") / "static").iterdir()}


def test_all_of_it_is_light() -> None:
    assert files.weight() < 40_000


def test_nothing_in_it_leads_elsewhere() -> None:
    for name, text in STATIC.items():
        addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text)) - {"http://www.w3.org"}
        assert not addresses, name


def test_no_script_or_style_stands_in_the_shell() -> None:
    shell = STATIC["index.html"]
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=", shell)
    assert 'setAttribute("style"' not in "".join(STATIC.values())
    assert [name for name, text in STATIC.items() if "innerHTML" in text] == ["dom.js"]


def test_files_are_of_one_version() -> None:
    shell = files.shell("")
    version = files.version()
    assert b"VERSION" not in shell.body
    names = re.findall(rf"/page/files/{version}/([\w.]+)", shell.body.decode())
    assert set(names) <= set(STATIC)
    assert b"immutable" in dict(files.file(version, "app.js", "").headers)[b"cache-control"]
    small = files.file(version, "app.js", "br, gzip")
    assert dict(small.headers)[b"content-encoding"] == b"gzip"
    for wrong in ((version, "../page.py"), ("0", "app.js")):
        with pytest.raises(StatusError):
            files.file(*wrong, "")


def test_what_is_imported_is_there() -> None:
    for name, text in STATIC.items():
        for wanted in re.findall(r'from "\./([\w.]+)"', text):
            assert wanted in STATIC, name


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({}, False),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"host": "127.0.0.1:1", "origin": "http://127.0.0.1:1"}, False),
        ({"host": "127.0.0.1:1", "origin": "http://127.0.0.1:2"}, True),
        ({"host": "127.0.0.1:1", "origin": "http://localhost:1"}, True),
        ({"host": "", "origin": "null"}, True),
    ],
)
def test_only_its_own_page_asks(headers: dict[str, str], elsewhere: bool) -> None:
    assert from_elsewhere(headers) is elsewhere


def test_a_browser_is_told_from_clients() -> None:
    assert wants_page("GET", {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    for method, accept in (("GET", "*/*"), ("GET", ""), ("POST", "text/html"), ("GET", "application/json")):
        assert not wants_page(method, {"accept": accept})
