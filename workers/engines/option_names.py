"""Options by name: what an engine does not know is refused with the nearest that it does know."""

from collections.abc import Iterable, Mapping

from ai_pal.errors import Code, fail

ELSEWHERE = {
    "repetition_penalty": "repeat_penalty",
    "penalty_repeat": "repeat_penalty",
    "penalty_freq": "frequency_penalty",
    "penalty_present": "presence_penalty",
    "typ_p": "typical_p",
    "num_predict": "max_tokens",
    "max_new_tokens": "max_tokens",
    "num_ctx": "context, as in MODEL?context=N",
}
"""What others call an option."""


def refuse_unknown(
    names: Iterable[str], known: Iterable[str], engine: str, code: Code = Code.BAD_REQUEST
) -> None:
    """Raises `AiPalError` for the first of `names` that is none of `known`."""
    there = sorted(known)
    for name in names:
        if name not in there:
            fail(code, f"{engine} has no option {name!r}", _hint(name, there))


def nearest(name: str, known: Iterable[str]) -> str:
    """The option that was probably meant, "" where none is near."""
    import difflib

    there = list(known)
    others: Mapping[str, str] = ELSEWHERE | {meant: other for other, meant in ELSEWHERE.items()}
    if (same := others.get(name, "")) and (same in there or " " in same):
        return same
    return next(iter(difflib.get_close_matches(name, there, n=1, cutoff=0.75)), "")


def _hint(name: str, there: list[str]) -> str:
    near = nearest(name, there)
    return f"did you mean {near}?" if near else f"there are: {', '.join(there)}"
