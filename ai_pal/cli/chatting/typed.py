"""What was typed at the prompt, as prompt_toolkit keeps it: a `#` line, then lines with `+` in front."""

import os
from collections.abc import Collection
from pathlib import Path


def keep_typed(file: Path, prompts: Collection[str]) -> None:
    """Take out of the file all but these prompts, and commands without a text. Raises OSError."""
    try:
        before = file.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return
    after = only(before, prompts)
    if after == before:
        return
    new = file.with_name(f"{file.name}.{os.getpid()}")
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as out:
        out.write(after)
    new.replace(file)


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
