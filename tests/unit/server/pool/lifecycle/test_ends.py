"""What is said of a process that ended, and whether another try makes sense."""

import signal as signals

import pytest

from ai_pal.errors import Code, Failure
from ai_pal.protocol.worker import SAID_ON_STDERR
from ai_pal.server.nodes.base import ExitStatus
from ai_pal.server.pool.lifecycle.ends import explain
from ai_pal.server.pool.lifecycle.state import Phase, State

ABORT = """0.00.1 I loading
/x/llama-vocab.cpp:26: GGML_ASSERT(a == b) failed
[New LWP 12]"""
ERRORS = """0.00.016.669 E llama_model_load: error loading model: unknown model architecture: 'x'
0.00.016.900 E llama_model_load_from_file_impl: failed to load model"""
LOADING, READY = State(phase=Phase.LOADING), State(phase=Phase.READY)


@pytest.mark.parametrize("signal", [4, 6, 8])
def test_a_library_that_gives_up_while_it_loads_is_not_tried_again(signal: int) -> None:
    failure = explain(LOADING, ExitStatus(signal=signal), ABORT)
    assert (failure.code, failure.retryable) == (Code.MODEL_INVALID, False)
    assert failure.message.endswith(": /x/llama-vocab.cpp:26: GGML_ASSERT(a == b) failed")
    assert failure.detail == ABORT


@pytest.mark.parametrize(("state", "signal"), [(READY, 6), (LOADING, 11), (LOADING, 9), (LOADING, 7)])
def test_other_deaths_are_worth_another_try(state: State, signal: int) -> None:
    failure = explain(state, ExitStatus(signal=signal), ABORT)
    assert (failure.code, failure.retryable) == (Code.WORKER_DIED, True)


def test_the_signal_of_a_death_is_told_in_words_with_what_to_do() -> None:
    cut = explain(READY, ExitStatus(signal=signals.SIGBUS), "")
    assert "the model's file was cut off or changed under it, or the disk failed" in cut.message
    assert "put the file back whole" in cut.hint
    assert "SIGSEGV" in explain(READY, ExitStatus(signal=signals.SIGSEGV), "").message
    assert explain(READY, ExitStatus(signal=signals.SIGUSR1), "").message == "the worker was ended by SIGUSR1"
    assert explain(READY, ExitStatus(signal=99), "").message == "the worker was ended by signal 99"


def test_the_librarys_own_words_say_why_it_refused() -> None:
    refused = Failure(Code.MODEL_INVALID, "cannot load m", "do this", detail=SAID_ON_STDERR)
    failure = explain(State(phase=Phase.LOADING, reason=refused), ExitStatus(code=78), ERRORS)
    assert failure.message == (
        "cannot load m: llama_model_load: error loading model: unknown model architecture: 'x'"
    )
    assert (failure.hint, failure.detail) == ("do this", ERRORS)


def test_a_library_that_said_nothing_adds_nothing() -> None:
    refused = Failure(Code.MODEL_INVALID, "cannot load m", "do this", detail=SAID_ON_STDERR)
    failure = explain(State(phase=Phase.LOADING, reason=refused), ExitStatus(code=78), "")
    assert (failure.message, failure.detail) == ("cannot load m", "")
    assert "it said nothing" in explain(LOADING, ExitStatus(signal=6), "").message


TEMPLATE = """0.00.227.650 E srv          init: init: chat template parsing error: it failed:
------------
While executing FilterExpression at line 1, column 12 in source:
Error: Unknown (built-in) filter 'nosuch' for type Array
0.00.285.007 E srv          init: exiting due to model loading error"""

PROJECTOR = """0.00.050.560 E mtmd_get_memory_usage: error: Failed to load CLIP model from mmproj.gguf
0.00.562.766 E clip_init: failed to load model 'mmproj.gguf': load_hparams: unknown projector type: x
0.00.589.402 E mtmd_init_from_file: error: Failed to load CLIP model from mmproj.gguf"""


@pytest.mark.parametrize(
    ("said", "why"),
    [(PROJECTOR + ERRORS, "unknown model architecture: 'x'"), (PROJECTOR, "projector type: x")],
)
def test_what_only_follows_from_the_cause_is_not_told(said: str, why: str) -> None:
    refused = Failure(Code.MODEL_INVALID, "cannot load m", "do this", detail=SAID_ON_STDERR)
    failure = explain(State(phase=Phase.LOADING, reason=refused), ExitStatus(code=78), said)
    assert failure.message.endswith(why)


def test_a_template_is_told_of_in_its_own_words() -> None:
    refused = Failure(Code.MODEL_INVALID, "cannot load m", "do this", detail=SAID_ON_STDERR)
    failure = explain(State(phase=Phase.LOADING, reason=refused), ExitStatus(code=78), TEMPLATE)
    assert failure.message == (
        "cannot load m: its chat template: Unknown (built-in) filter 'nosuch' for type Array"
    )


def test_a_worker_lost_with_its_node_did_not_run_out_of_memory() -> None:
    failure = explain(READY, ExitStatus(signal=9, reason="nothing came from node a for 3 s", lost=True), "")
    assert (failure.code, failure.retryable) == (Code.WORKER_DIED, True)
    assert failure.message == "the worker was lost: nothing came from node a for 3 s"
