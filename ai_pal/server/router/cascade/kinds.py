"""Which kind of prompt it is: doubts are compared with those about prompts of its kind. Pure."""

import re
from typing import NamedTuple

from ai_pal.protocol.client import Task
from ai_pal.protocol.doubt import Probe
from ai_pal.protocol.options import GenerationOptions
from ai_pal.server.router.cascade.closed import closed
from ai_pal.server.router.complexity.reading import bounded
from ai_pal.store.doubts import Kind

_CODE = re.compile(
    r"```|\b(?:def|class|function|public|#include|SELECT|import)\b.*[:;({]|\w\(\w*\)|"
    r"\b(?:python|javascript|typescript|rust|java|golang|sql|regex|bash|c\+\+|html|css|script|"
    r"(?:write|implement|refactor|debug)\b.{0,30}\b(?:function|code|program|class|method|query))\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CALCULATES = re.compile(
    r"\bhow (?:many|much|long|far|old|fast)\b|\b(?:calculate|compute|solve|evaluate|simplify|sum|product|"
    r"percent|average|total|remainder|probability|equation)\b|\d\s*[-+*/^=<>%]\s*\(?\d|\\frac|\$",
    re.IGNORECASE,
)

SUM_NUMBERS = 2
"""A question for a number that has so many of them is one to be worked out: a probe knows little of that."""


class Prompted(NamedTuple):
    """The kind of a prompt, and the probe that tells most of it, where one does."""

    kind: Kind
    probe: Probe | None = None


def prompted(prompt: str, task: Task = "") -> Prompted:
    """The kind of a prompt, by its text and by what is said of the `task`. Long ones are read at their head
    and tail only."""
    text = bounded(prompt)
    if task == "code" or _CODE.search(text):
        return Prompted("code")
    numbers = len(_NUMBER.findall(text))
    wanted = closed(text)
    if wanted is not None and not (wanted.kind == "number" and numbers >= SUM_NUMBERS):
        return Prompted("closed", wanted.probe)
    return Prompted("calculation" if numbers and _CALCULATES.search(text) else "open")


def is_doubtable(options: GenerationOptions) -> bool:
    """Whether an answer with these options can be doubted: what calls tools, tells probabilities or goes on
    with another's words is left alone."""
    return not (options.tools or options.prefill or options.logprobs is not None)
