"""What was typed at the prompt, as prompt_toolkit keeps it: a `#` line, then lines with `+` in front."""

import os
from collections.abc import Collection
from pathlib import Path

from ai_pal.errors import FULL


def keep_typed(file: Path, prompts: Collection[str]) -> None:
    """Take out of the file all but these prompts, and commands without a text. Raises OSError."""
    try:
        before = file.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return
    after = only(before, prompts)
    if after == before:
        return
    try:
        _replace(file, after)
    except OSError as error:
        if error.errno not in FULL:
            raise
        _shorten(file, after)


def _replace(file: Path, text: str) -> None:
    new = file.with_name(f"{file.name}.{os.getpid()}")
    try:
        number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as out:
            out.write(text)
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def _shorten(file: Path, text: str) -> None:
    """In its place: less than what is there needs no room, and what is to go must go on a full disk too."""
    with file.open("r+b") as out:
        out.write(text.encode())
        out.truncate()


def only(history: str, prompts: Collection[str]) -> str:
    """The entries of a history that say one of `prompts`, or are a command without a text."""
    kept: list[str] = []
    entry: list[str] = []
    wanted = {prompt.strip() for prompt in prompts}

    def end() -> None:
        said = "\n".join(line[1:] for line in entry if line.startswith("+")).strip()
        if said in wanted or (said.startswith("/") and len(said.split()) == 1):
            kept.extend(entry)
        entry.clear()

    for line in history.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            end()
        entry.append(line)
    end()
    return "".join(f"{line}\n" for line in kept)
