"""The text of PDFs, and those that have none or do harm."""

import subprocess
import sys
from typing import Any

import pytest

from ai_pal.attachments.pdf import MEMORY, MOST_PAGES, Pages, pages_of
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
    run, takes = subprocess.run, MEMORY * 2  # of which no page is touched, where it gets them
    reads = f"r.read = lambda _: str(len(bytearray({takes})))"
    command = [sys.executable, "-P", "-c", f"import ai_pal.attachments.pdf_reader as r; {reads}; r.main()"]
    monkeypatch.setattr(subprocess, "run", lambda _, **how: run(command, **how))
    with pytest.raises(AiPalError, match="is damaged: its reader ended with 1"):
        pages_of(pdf("One."), "a.pdf")


def test_it_gets_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    given: dict[str, str] = {}
    run = subprocess.run

    def look(command: list[str], **how: Any) -> object:
        given.update(how["env"])
        return run(command, **how)

    monkeypatch.setattr(subprocess, "run", look)
    pages_of(pdf("One."), "a.pdf")
    assert "OPENAI_API_KEY" not in given
