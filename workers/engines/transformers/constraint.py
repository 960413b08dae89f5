"""Holds an answer to a grammar: which tokens may come next, by llguidance, for one row of the batch."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection
from typing import Any

import llguidance
import numpy as np
import torch

from ai_pal.errors import AiPalError, Code, fail
from workers.schema_faults import find_fault

REMEMBERED = 64
"""Compiled grammars that are kept: the same schema asked for again costs nothing."""
COMPACT: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON as most programs write it. Where blanks are free, a small model spends its answer on them."""
LARGEST_INTEGER = 10**15
SAYS_SIZE = frozenset(
    {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const", "$ref"}
)
"""What else says how large an integer is."""


class Constraint:
    """The state of one answer. `take` each token that is part of it."""

    def __init__(self, matcher: Any, vocabulary: int) -> None:
        self._matcher = matcher
        self._vocabulary = vocabulary

    @property
    def complete(self) -> bool:
        """Nothing can follow."""
        return bool(self._matcher.is_stopped()) and not self._matcher.is_error()

    def forbid(self, logits: torch.Tensor) -> torch.Tensor:
        """The logits with those of impossible tokens at minus infinity. Raises `ValueError` when the grammar
        became too hard to follow."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        allowed = np.unpackbits(bits, bitorder="little", count=self._vocabulary).view(np.bool_)
        mask = torch.from_numpy(allowed).to(logits.device)
        return logits.masked_fill(~mask[: logits.shape[-1]], float("-inf"))

    def take(self, token: int) -> None:
        """Raises `ValueError` as `forbid`."""
        self._matcher.consume_token(token)
        self._check()

    def takes(self, tokens: list[int]) -> bool:
        """Go past all of `tokens`, or past none of them."""
        if self._matcher.validate_tokens(tokens) < len(tokens):
            return False
        return bool(self._matcher.consume_tokens(tokens))

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ValueError(
                f"its grammar cannot be followed further: {first_line(self._matcher.get_error())}"
            )


class Compiler:
    """Grammars for one tokenizer, used from several threads. The tables over its vocabulary are made when
    the first one is asked for."""

    def __init__(self, tokenizer: Any, vocabulary: int, ends: Collection[int]) -> None:
        self._source, self._vocabulary, self._ends = tokenizer, vocabulary, sorted(ends)
        self._tokenizer: Any = None
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Any] = OrderedDict()

    @property
    def tokenizer(self) -> Any:
        """What llguidance knows of the vocabulary. Raises `AiPalError` (`unsupported`)."""
        with self._lock:
            if self._tokenizer is None:
                if not self._source.is_fast:
                    fail(
                        Code.UNSUPPORTED,
                        "this model's tokenizer cannot be used for grammars and probabilities",
                        "use a version of the model with tokenizer.json",
                    )
                self._tokenizer = llguidance.LLTokenizer(
                    self._source.backend_tokenizer.to_str(), n_vocab=self._vocabulary, eos_token=self._ends
                )
            return self._tokenizer

    def tokens_of(self, text: str) -> list[int]:
        """Tokens that make exactly these bytes, wherever they stand."""
        return list(self.tokenizer.tokenize_bytes(text.encode()))

    def bytes_of(self, token: int) -> bytes:
        return bytes(self.tokenizer.decode_bytes([token]))

    def schema(self, schema: dict[str, Any]) -> Constraint:
        """An answer that is JSON of this schema. Raises `AiPalError` (`unsupported`, `bad_request`)."""
        return self._compiled(schema_grammar(schema), lambda: explain(schema))

    def rules(self, lark: str, explanation: Callable[[], AiPalError | None]) -> Constraint:
        """An answer of this grammar, in llguidance's Lark. `explanation` finds what is wrong with what it was
        made of, when it does not compile."""
        return self._compiled(llguidance.LLMatcher.grammar_from_lark(lark), explanation)

    def _compiled(self, grammar: str, explanation: Callable[[], AiPalError | None]) -> Constraint:
        with self._lock:
            matcher = self._kept.get(grammar)
            if matcher is not None:
                self._kept.move_to_end(grammar)
        if matcher is None:
            matcher = llguidance.LLMatcher(self.tokenizer, grammar, log_level=0)
            if matcher.is_error():
                raise explanation() or unsupported("", matcher.get_error())
            with self._lock:
                self._kept[grammar] = matcher
                if len(self._kept) > REMEMBERED:
                    self._kept.popitem(last=False)
        return Constraint(matcher.deep_copy(), self._vocabulary)


def schema_grammar(schema: dict[str, Any]) -> str:
    """Raises `AiPalError` (`bad_request`) for what is no JSON."""
    try:
        text = json.dumps(with_bounds(schema), allow_nan=False)
        return str(llguidance.LLMatcher.grammar_from_json_schema(text, overrides=COMPACT))
    except (ValueError, TypeError, RecursionError) as error:
        fail(Code.BAD_REQUEST, f"the schema is no JSON Schema: {first_line(str(error))}")


def with_bounds(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with bounds for integers that have none: a small model writes digits without end. What
    validates against this validates against the schema too, but for `oneOf`, which is left as it is."""
    bounded: dict[str, Any] = {}
    for key, value in schema.items():
        match value:
            case dict() if key in ("items", "additionalProperties"):
                bounded[key] = with_bounds(value)
            case dict() if key in ("properties", "patternProperties", "$defs", "definitions"):
                bounded[key] = {
                    name: with_bounds(one) if isinstance(one, dict) else one for name, one in value.items()
                }
            case list() if key in ("anyOf", "prefixItems"):
                bounded[key] = [with_bounds(one) if isinstance(one, dict) else one for one in value]
            case _:
                bounded[key] = value
    if schema.get("type") == "integer" and not SAYS_SIZE.intersection(schema):
        bounded |= {"minimum": -LARGEST_INTEGER, "maximum": LARGEST_INTEGER}
    return bounded


def explain(schema: dict[str, Any], where: str = "") -> AiPalError | None:
    """What of the schema the compiler cannot express, with its path."""
    fault = find_fault(schema, _complaint)
    return unsupported(f"{where}{fault[0]}", fault[1]) if fault else None


def unsupported(path: str, complaint: str) -> AiPalError:
    """The refusal of a schema or grammar."""
    place = f" at {path}" if path else ""
    try:
        fail(
            Code.UNSUPPORTED,
            f"answers cannot be held to this schema{place}: {first_line(complaint)}",
            "say it in another way, or leave that part out and check the answer yourself",
        )
    except AiPalError as error:
        return error


def first_line(text: str) -> str:
    """Complaints of compilers go on with excerpts and state."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    if lines and lines[0].startswith("regex parse error"):
        return f"{lines[-1].removeprefix('error: ')}"[:300]
    return (lines[0].split(" Enable '")[0] if lines else "it does not compile")[:300]


def _complaint(schema: Any) -> str:
    """What llguidance says against this schema, "" if nothing."""
    if not isinstance(schema, dict):
        return ""
    try:
        grammar = schema_grammar(schema)
    except AiPalError as error:
        return error.failure.message
    is_error, messages = llguidance.LLMatcher.validate_grammar_with_warnings(grammar)
    return messages[0] if is_error else ""
