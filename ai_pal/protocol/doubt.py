"""A local model's doubt of its own answer, in numbers: no text of a prompt or an answer is in it."""

from typing import Literal

import msgspec

Flaw = Literal["loop", "nothing_said", "refusal", "cut_off", "invalid_json", "broken_code"]
"""What can be seen to be wrong with a whole answer, whatever was asked: it says the same over and over, says
nothing, declines, stops in the middle, is no JSON where JSON was asked for, has code that does not parse."""

FIRST_TOKENS = 32
"""Tokens at the beginning of an answer whose entropy tells most."""

MOST_PROBE_TOKENS = 20
"""A probe whose `lead` has more tokens is not carried out."""


class Probe(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is tried behind the prompt and never shown: the answer is made to begin with `lead`, and its next
    token is looked at, not taken. `among` are the texts with which that token may begin (the letters of the
    options, yes and no), in any case and with or without a blank before it; empty: any token."""

    lead: str
    among: list[str] = []


class Doubt(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the model's own numbers say of an answer that has ended. `tokens` of it were looked at, thoughts
    left out; where that is 0 the engine has no numbers, and the two means say nothing. `logprob` is their
    mean natural logarithm of the probability, `entropy` the mean over the first `FIRST_TOKENS` of them, in
    nats. `flaws` are those that were found, in the order of `Flaw`."""

    tokens: int = 0
    logprob: float = 0.0
    entropy: float = 0.0
    flaws: list[Flaw] = []
