"""`python -m ai_pal.attachments.pdf_reader`: a PDF on stdin becomes `Pages` on stdout. Memory and time are
bounded before the first byte is looked at."""

import io
import resource
import sys

import msgspec

from ai_pal.attachments.pdf import CPU_SECONDS, MEMORY, MOST_PAGES, Pages, missing
from ai_pal.errors import pip_install

_SAVE = "open it elsewhere and save it anew"


def main() -> None:
    """Read, and say what there is."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    sys.stdout.buffer.write(msgspec.json.encode(read(sys.stdin.buffer.read())))


def read(data: bytes) -> Pages:
    """The text of all pages, or what is wrong."""
    try:
        from pypdf import errors
    except ImportError:
        return missing()
    try:
        return _read(data)
    except errors.DependencyError:
        return Pages(problem="is encrypted", hint=f"AES needs a library: {pip_install('cryptography')}")
    except (errors.LimitReachedError, MemoryError):
        return Pages(
            problem="needs more memory than a document does: parts of it inflate without end", hint=_SAVE
        )
    except RecursionError:
        return Pages(problem="is damaged: it is nested without end", hint=_SAVE)
    except Exception as error:  # noqa: BLE001 - a damaged file breaks a reader anywhere
        return Pages(problem=f"is damaged: {error or type(error).__name__}", hint=_SAVE)


def _read(data: bytes) -> Pages:
    from pypdf import PasswordType, PdfReader

    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        return Pages(
            problem="needs a password", hint="save it without one, for example: qpdf --decrypt IN OUT"
        )
    count = len(reader.pages)
    if count > MOST_PAGES:
        return Pages(
            problem=f"has {count:,} pages; at most {MOST_PAGES:,} can be attached",
            hint="attach the part that matters, for example: qpdf IN --pages . 1-50 -- OUT",
        )
    texts = [page.extract_text().strip() for page in reader.pages]
    text = "\n\n".join(filter(None, texts))
    if not text:
        hint = "it may be scanned: attach its pages as images, or recognise its text first (ocrmypdf)"
        return Pages(problem="holds no text", hint=hint)
    return Pages(text.encode("utf-8", "replace").decode(), count)


if __name__ == "__main__":
    main()
