"""What was typed at the prompt, as prompt_toolkit keeps it: a `#` line, then lines with `+` in front."""

import os
from collections.abc import Collection
from pathlib import Path


def forget_typed(file: Path, prompts: Collection[str]) -> None:
    """Take these prompts out of the file. Raises OSError."""
    try:
        before = file.read_bytes().decode("utf-8", "replace")
    except FileNotFoundError:
        return
    after = without(before, prompts)
    if after == before:
        return
    new = file.with_name(f"{file.name}.{os.getpid()}")
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as out:
        out.write(after)
    new.replace(file)


def without(history: str, prompts: Collection[str]) -> str:
    """The text of a history less all entries that say one of `prompts`."""
    kept: list[str] = []
    entry: list[str] = []
    unwanted = {prompt.strip() for prompt in prompts}

    def end() -> None:
        said = "\n".join(line[1:] for line in entry if line.startswith("+"))
        if said.strip() not in unwanted:
            kept.extend(entry)
        entry.clear()

    for line in history.removesuffix("\n").split("\n"):
        if line.startswith("#"):
            end()
        entry.append(line)
    end()
    return "".join(f"{line}\n" for line in kept)
