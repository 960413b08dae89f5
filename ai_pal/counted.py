"""Numbers of things in words: 1 model, 2 models."""


def counted(count: int, noun: str) -> str:
    """`count` with its noun in the right form; nouns here take an s."""
    return f"{count} {noun}{'' if count == 1 else 's'}"
