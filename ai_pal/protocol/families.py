"""What the names of models tell of their families, where servers differ by it. Pure."""

import re

_CLAUDE = re.compile(r"claude-[a-z]+-(\d{1,2})(?:[-.](\d{1,2}))?(?:-.*)?", re.ASCII)


def bare(model: str) -> str:
    """The name without the maker before it and the variant behind: `openai/gpt-5:free` is `gpt-5`."""
    return model.rpartition("/")[2].partition(":")[0].lower()


def is_openais(model: str) -> bool:
    """Whether a model is one of OpenAI's own: whoever serves those takes of them what OpenAI takes."""
    return re.match(r"(chatgpt|gpt-(?!oss)|o\d)", bare(model)) is not None


def claude_version(model: str) -> tuple[int, int]:
    """(4, 6) for claude-opus-4-6; (0, 0) where the name does not tell, and for those before Claude 4."""
    name = bare(model)
    if name == "claude-mythos-preview":
        return 4, 7
    found = _CLAUDE.fullmatch(name)
    return (0, 0) if found is None else (int(found[1]), int(found[2] or 0))
