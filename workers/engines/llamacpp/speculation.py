"""How llama.cpp guesses tokens and checks several at once: by what was said before, by a draft model, or by
layers of the model's own."""

from pathlib import Path
from typing import Any, NamedTuple

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.formats import drafts
from ai_pal.formats.gguf import Header, pooling_of
from ai_pal.protocol.worker import SAID_ON_STDERR, LoadModel

MATCH, FEWEST, MOST = 16, 4, 8
"""Guesses by what was said: so many tokens must have come before in the same order, and so many are guessed
at a time. Shorter matches and longer guesses cost more in free prose than they bring in edits."""
DRAFTED = 3
"""What a draft model guesses at a time, as llama.cpp itself has it."""
TRIAL = {"prompt": "x", "n_predict": DRAFTED + 2, "temperature": 0.0, "ignore_eos": True, "stream": False}


class Speculation(NamedTuple):
    """At most so many tokens are guessed at a time, 0 for never; by the `draft`, if there is one, or by the
    model's own layers for it (`ahead`)."""

    most: int = 0
    draft: Path | None = None
    ahead: bool = False


NONE = Speculation()


def speculation(spec: LoadModel, asked: str, header: Header, *, sees: bool) -> Speculation:
    """What is asked for. By itself llama.cpp guesses nothing: an answer whose tokens are guessed has no
    probabilities. Raises `AiPalError` (`config_invalid`, `model_invalid`)."""
    if asked in ("", drafts.AUTO, drafts.OFF):
        return NONE
    if pooling_of(header):
        _refuse("a model that writes nothing has nothing to guess")
    if header.recurrent:
        _refuse(f"{header.architecture} has a state that cannot go back behind a wrong guess")
    if sees:
        _refuse("a model that sees or hears is not guessed for", "set speculate=off, or mmproj=off")
    if asked == drafts.NGRAM:
        return Speculation(MOST)
    if asked == drafts.MTP:
        if not drafts.looks_ahead(Path(spec.path)):
            _refuse(f"{spec.path} has no layers for multi-token prediction", drafts.OTHER)
        return Speculation(DRAFTED, ahead=True)
    drafts.check(Path(spec.path), Path(asked))
    return Speculation(DRAFTED, Path(asked))


def chunk_for(guesses: Speculation, chunk: int, slots: int, *, fixed: bool) -> int:
    """A chunk that holds the guesses of all slots: with a smaller one llama.cpp ends the process. Raises
    `AiPalError` (`config_invalid`) where it is fixed."""
    least = slots * (1 + guesses.most)
    if guesses.most and fixed and chunk < least:
        message = f"a chunk of {chunk} tokens is too small: with {slots} slots, guesses need {least}"
        fail(Code.CONFIG_INVALID, message, "set a larger chunk, fewer slots, or speculate=off")
    return max(chunk, least) if guesses.most else chunk


def apply(xllamacpp: Any, parameters: Any, guesses: Speculation, threads: int) -> None:
    """Set it up. Guesses of all slots find room behind the window that requests share."""
    if not guesses.most:
        return
    kinds, chosen = xllamacpp.common_speculative_type, parameters.speculative
    parameters.n_ctx += parameters.n_parallel * guesses.most
    if guesses.ahead:
        parameters.load_mtp = True
        chosen.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_MTP]
        chosen.draft.n_max = guesses.most
        return
    if guesses.draft is None:
        chosen.types = [kinds.COMMON_SPECULATIVE_TYPE_NGRAM_MOD]
        chosen.ngram_mod.n_match, chosen.ngram_mod.n_min, chosen.ngram_mod.n_max = MATCH, FEWEST, guesses.most
        return
    chosen.types = [kinds.COMMON_SPECULATIVE_TYPE_DRAFT_SIMPLE]
    chosen.draft.mparams.path = str(guesses.draft)
    chosen.draft.n_max = guesses.most
    chosen.draft.cpuparams.n_threads = chosen.draft.cpuparams_batch.n_threads = threads


def try_draft(engine: Any, guesses: Speculation) -> None:
    """Raises `AiPalError` (`model_invalid`): in silence llama.cpp goes on without what is unfit to guess."""
    if guesses.draft is None and not guesses.ahead:
        return
    answer = engine.handle_completions(TRIAL)
    if not answer.get("timings", {}).get("draft_n"):
        what = "the model's own layers for it" if guesses.ahead else f"the draft {guesses.draft}"
        message = f"llama.cpp cannot guess with {what}"
        raise AiPalError(Failure(Code.MODEL_INVALID, message, drafts.OTHER, detail=SAID_ON_STDERR))


def _refuse(message: str, hint: str = "set speculate=off") -> None:
    fail(Code.CONFIG_INVALID, message, hint)
