"""Prompts whose own tokens are told with their probabilities: what is computed of them in one step."""

from typing import Any

from workers.engines.transformers.batch.answer import Generation
from workers.engines.transformers.decoding.sampling import probabilities

AT_ONCE = 128
"""Tokens of such a prompt in one step: behind each there is a logit for every token that the model knows."""


def most_at_once(answer: Generation) -> int:
    """Tokens of a prompt that one step may compute."""
    return AT_ONCE if answer.prompt.scored else len(answer.todo)


def width(answer: Generation, tokens: list[int]) -> int:
    """Behind how many tokens of a part logits are wanted."""
    if answer.left and answer.prompt.scored:
        return len(tokens)
    return 1 + len(behind(answer, tokens))


def behind(answer: Generation, tokens: list[int]) -> list[int]:
    """What is computed behind a part, and may be thrown away: guesses, or the probe behind a whole prompt."""
    return answer.hidden if answer.left == len(tokens) else answer.guesses


def score(answer: Generation, tokens: list[int], logits: Any) -> None:
    """Tell how probable the prompt's tokens are behind these, which its row holds now."""
    prompt, most = answer.prompt, answer.prompt.sampling.logprobs or 0
    begin = len(answer.row.tokens) - len(tokens)
    following = prompt.tokens[begin + 1 : begin + 1 + len(tokens)]
    answer.score(
        begin, [probabilities(one, token, most) for one, token in zip(logits, following, strict=False)]
    )
