"""The text of PDFs, and those that have none or do harm."""

import subprocess
import sys
import threading
from contextvars import ContextVar
from typing import Any

import pytest

from ai_pal.attachments.pdf import MEMORY, MOST_PAGES, Pages, called_off, pages_of
from ai_pal.attachments.pdf_reader import read
from ai_pal.errors import AiPalError, Code
from tests.unit.attachments.pdfs import bomb, encrypted, pdf

pytest.importorskip("pypdf")


def test_the_text_of_all_pages_is_read_by_a_process_of_its_own() -> None:
    assert pages_of(pdf("One.", "", "Three."), "a.pdf") == Pages("One.\n\nThree.", 3)


@pytest.mark.parametrize("algorithm", ["RC4-128", "AES-256"])
def test_a_password_that_is_needed_is_told_and_an_empty_one_is_used(algorithm: str) -> None:
    assert read(encrypted("", algorithm)).text == "Secret."
    found = read(encrypted("geheim", algorithm))
    assert found.problem == "needs a password"
    assert "qpdf" in found.hint


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"%PDF-1.4\n", "is damaged"),
        (pdf("One.")[:200], "is damaged"),
        (pdf(""), "holds no text"),
        (pdf(*[""] * (MOST_PAGES + 1)), "has 2,001 pages; at most 2,000"),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes, says: str) -> None:
    found = read(data)
    assert says in found.problem
    assert found.hint
    assert not found.text


def test_a_page_that_inflates_without_end_ends_in_words() -> None:
    with pytest.raises(AiPalError) as refused:
        pages_of(bomb(), "bomb.pdf")
    assert refused.value.code == Code.BAD_REQUEST
    assert "bomb.pdf needs more memory than a document does" in refused.value.failure.message


def test_its_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the library's own bounds are: a reader that takes all it can ends, and nothing else does."""
    popen, takes = subprocess.Popen, MEMORY * 2  # of which no page is touched, where it gets them
    reads = f"r.read = lambda _: str(len(bytearray({takes})))"
    command = [sys.executable, "-P", "-c", f"import ai_pal.attachments.pdf_reader as r; {reads}; r.main()"]
    monkeypatch.setattr(subprocess, "Popen", lambda _, **how: popen(command, **how))
    with pytest.raises(AiPalError, match="is damaged: its reader ended with 1"):
        pages_of(pdf("One."), "a.pdf")


def test_it_gets_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    given: dict[str, str] = {}
    popen = subprocess.Popen

    def look(command: list[str], **how: Any) -> object:
        given.update(how["env"])
        return popen(command, **how)

    monkeypatch.setattr(subprocess, "Popen", look)
    pages_of(pdf("One."), "a.pdf")
    assert "OPENAI_API_KEY" not in given


def test_what_nobody_waits_for_any_more_is_read_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    popen, begun = subprocess.Popen, []
    command = [sys.executable, "-c", "import time; time.sleep(600)"]

    def look(_: list[str], **how: Any) -> object:
        begun.append(popen(command, **how))
        return begun[0]

    monkeypatch.setattr(subprocess, "Popen", look)
    unwanted = threading.Event()
    unwanted.set()
    monkeypatch.setattr("ai_pal.attachments.pdf.called_off", ContextVar("unwanted", default=unwanted))
    with pytest.raises(AiPalError, match="not wanted any more"):
        pages_of(pdf("One."), "a.pdf")
    assert begun[0].returncode < 0


def test_one_that_takes_a_while_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_pal.attachments.pdf.LOOK_SECONDS", 0.001)
    before = called_off.set(threading.Event())
    large = pdf(*["x" * 1_000] * 200)  # more than a pipe holds
    assert pages_of(large, "a.pdf").pages == 200
    called_off.reset(before)
