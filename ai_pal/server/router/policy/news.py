"""Which failures people are told of: not that an Ollama is not there which nobody has set up or ever seen."""

import msgspec

from ai_pal.errors import NOBODY_THERE, Code, Failure
from ai_pal.server.router.policy.candidate import Candidate

ABSENT = NOBODY_THERE | {Code.BREAKER_OPEN}
LOOKED_FOR = "asked in case one runs; none was seen so far"
_NEVER_SEEN = "none is set up, and none was ever seen"


def is_news(candidate: Candidate, failure: Failure) -> bool:
    """Whether it is to be told."""
    return candidate.expected or failure.code not in ABSENT


def explained(candidate: Candidate, failure: Failure) -> Failure:
    """Why it is not asked, for who wants to know of everyone."""
    if is_news(candidate, failure):
        return failure
    return msgspec.structs.replace(failure, message=_NEVER_SEEN, hint="")
