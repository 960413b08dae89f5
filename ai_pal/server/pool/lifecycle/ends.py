"""Why a worker's process has ended, for people: from its status, what was wanted of it and its last words."""

import re

from msgspec.structs import replace

from ai_pal.errors import Code, Failure
from ai_pal.protocol.worker import EXIT_NEVER, SAID_ON_STDERR
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.nodes.deaths import death
from ai_pal.server.pool.lifecycle.state import COMING, State

OVER_CPU_LIMIT = 24
"""SIGXCPU: workers set such a limit for their load."""

LONGEST_WORDS = 300
OF_TEMPLATE = "Error: "
"""How the line begins in which llama.cpp says what is wrong in a chat template."""
CAUSES = (r"ASSERT|what\(\):", "error loading model", "clip_init:", f"^{OF_TEMPLATE}", "(?i)error")
_STAMP = re.compile(r"[\d.]+ [A-Z] ")
"""How lines of llama.cpp's log begin."""

GIVEN_UP = (4, 6, 8)
"""SIGILL, SIGABRT, SIGFPE: a library's own end over what it cannot load, and it would come to it again."""


def explain(state: State, status: ExitStatus, tail: str) -> Failure:
    """Why a process that nobody asked to stop has ended, for people."""
    if state.reason is not None and state.reason.detail == SAID_ON_STDERR:
        why = own_words(tail)
        message = f"{state.reason.message}: {why}" if why else state.reason.message
        return replace(state.reason, message=message, detail=tail)
    if state.reason is not None and state.reason.code != Code.UNLOADED:
        return replace(state.reason, detail=state.reason.detail or tail)
    if status.reason:
        lost = f"the worker was lost: {status.reason}"
        return Failure(Code.WORKER_DIED, lost, "ask again", retryable=True, detail=tail)
    if status.signal == OVER_CPU_LIMIT:
        message = "the load was given up: it computed longer than any sound model of this size"
        return Failure(Code.MODEL_INVALID, message, "do not use this model", detail=tail)
    if status.signal in GIVEN_UP and state.phase in COMING:
        message = f"the engine gave up while it loaded the model: {own_words(tail) or 'it said nothing'}"
        hint = "the file is damaged, or of a kind that this version does not know: fetch it again, or update"
        return Failure(Code.MODEL_INVALID, message, hint, detail=tail)
    if status.signal is not None:
        what, hint = death(status.signal)
        message = f"the worker {what}"
    else:
        message, hint = f"the worker exited with code {status.code}", "see `ai-pal logs`"
    return Failure(Code.WORKER_DIED, message, hint, retryable=status.code != EXIT_NEVER, detail=tail)


def own_words(tail: str) -> str:
    """The line of the end of stderr that says why a load failed: the first that has one of `CAUSES`, the
    surest of them first."""
    lines = [_STAMP.sub("", line.strip()) for line in tail.splitlines() if line.strip()]
    for cause in CAUSES:
        for line in lines:
            if re.search(cause, line):
                named = line.startswith(OF_TEMPLATE)
                return (f"its chat template: {line[len(OF_TEMPLATE) :]}" if named else line)[:LONGEST_WORDS]
    return lines[-1][:LONGEST_WORDS] if lines else ""
