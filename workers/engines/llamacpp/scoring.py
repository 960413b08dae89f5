"""How probable the tokens of a prompt are. llama.cpp tells it of those alone that it writes: so it writes the
prompt, each token of it demanded by a grammar. What goes on behind it finds the prompt read."""

from collections.abc import Callable
from typing import Any

import msgspec

from ai_pal.errors import AiPalError, Code, Failure, fail
from ai_pal.protocol.content import TokenLogprob
from workers.engines.base import Sink
from workers.engines.llamacpp.completions import Complete
from workers.engines.llamacpp.failures import failure_of
from workers.engines.llamacpp.probabilities import token_of
from workers.engines.llamacpp.request import STREAM
from workers.engines.unix_http import Asker

CERTAIN = 1e4
"""Added to the logit of a token, so that it comes; what is told is how probable it was without that."""

CANNOT_END = "grammar stack"
"""What llama.cpp says where a grammar demands a token that ends an answer."""


class Scoring:
    """One prompt. `alternatives` are told of each token; `cancelled` ends it early."""

    def __init__(
        self,
        key: int,
        sink: Sink,
        complete: Complete,
        alternatives: int,
        cancelled: Callable[[], bool],
    ) -> None:
        self._key, self._sink, self._complete = key, sink, complete
        self._alternatives, self._cancelled = alternatives, cancelled
        self._told: list[TokenLogprob] = []
        self._failure: Failure | None = None

    def tell(self, asker: Asker, prompt: str | list[int]) -> None:
        """Report the probabilities. Raises `AiPalError` (`bad_request`, `engine_error`)."""
        tokens, at = tokens_of(asker, prompt)
        if at == 0:
            self._told.append(TokenLogprob(b"", float("-inf"), tokens[0]))
            at = 1
        while at < len(tokens) and not self._cancelled():
            at += self._demand(tokens, at)
            if at < len(tokens) and not self._cancelled():
                at += self._ending(tokens, at)
        if not self._cancelled():
            self._sink.prompt_logprobs(self._key, [_with_text(asker, one) for one in self._told])

    def _demand(self, tokens: list[int], at: int) -> int:
        """Have the tokens from this place on written, up to one that ends an answer; how many were."""
        wanted = tokens[at:]
        grammar = "root ::= " + " ".join(f"<[{token}]>" for token in wanted)
        return self._write(tokens[:at], wanted, {"grammar": grammar}, len(tokens))

    def _ending(self, tokens: list[int], at: int) -> int:
        """Have the one token written that no grammar can demand."""
        how = {"logit_bias": [[tokens[at], CERTAIN]]}
        if not self._write(tokens[:at], tokens[at : at + 1], how, len(tokens)):
            if self._cancelled():
                return 0
            fail(Code.ENGINE_ERROR, "llama.cpp did not tell how probable the prompt is", "leave echo out")
        return 1

    def _write(self, prompt: list[int], wanted: list[int], how: dict[str, Any], total: int) -> int:
        before = len(self._told)
        body = {"prompt": prompt, "n_predict": len(wanted), "n_probs": max(self._alternatives, 1)}
        self._complete(STREAM | body | {"temperature": 0.0} | how, lambda chunk: self._take(chunk, total))
        failure, self._failure = self._failure, None
        if failure is not None and CANNOT_END not in failure.message:
            raise AiPalError(failure)
        written = [one.id for one in self._told[before:]]
        if written != wanted[: len(written)]:
            fail(Code.ENGINE_ERROR, "llama.cpp did not write the prompt as it stands")
        return len(written)

    def _take(self, chunk: dict[str, Any], total: int) -> bool:
        self._sink.step()
        if "error" in chunk:
            self._failure = failure_of(chunk["error"])
        for choice in chunk.get("choices", ()):
            for one in (choice.get("logprobs") or {}).get("content") or ():
                self._told.append(token_of(one, self._alternatives))
        self._sink.reading(self._key, min(len(self._told), total), total)
        return self._cancelled() or self._failure is not None


def _with_text(asker: Asker, told: TokenLogprob) -> TokenLogprob:
    """Of marks no text is told with their probability."""
    if told.data:
        return told
    text = str(asker.ask("/detokenize", {"tokens": [told.id]})["content"])
    return msgspec.structs.replace(told, data=text.encode())


def tokens_of(asker: Asker, prompt: str | list[int]) -> tuple[list[int], int]:
    """The tokens that the model reads, and at which place those of the prompt itself begin."""
    if not isinstance(prompt, str):
        return prompt, 0
    tokens = _tokens(asker, prompt, special=True)
    own = _tokens(asker, prompt, special=False)
    return tokens, len(tokens) - len(own) if own and tokens[-len(own) :] == own else 0


def beginning(asker: Asker, text: str | list[int], window: int) -> str | list[int]:
    """As much of a text as the window holds, with what the model puts around it."""
    if not isinstance(text, str):
        return text[:window]
    tokens = _tokens(asker, text, special=True)
    if len(tokens) <= window:
        return text
    around = _tokens(asker, "", special=True)
    behind = int(bool(around) and tokens[-1] == around[-1] and (len(around) > 1 or tokens[0] != around[0]))
    return [*tokens[: window - behind], *tokens[len(tokens) - behind :]]


def _tokens(asker: Asker, text: str, *, special: bool) -> list[int]:
    asked = {"content": text, "parse_special": True, "add_special": special}
    return [int(token) for token in asker.ask("/tokenize", asked)["tokens"]]
