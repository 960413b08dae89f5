"""What is kept of a request, and how it is counted."""

import asyncio

from ai_pal.errors import Code, Failure
from ai_pal.gateway.metrics import MOST_MODELS, OTHER, Metrics
from ai_pal.gateway.record import Record
from ai_pal.protocol import client as wire
from ai_pal.protocol.usage import Timings, Usage


def page(metrics: Metrics) -> str:
    return asyncio.run(metrics.told(None, {})).decode()


def record(model: str) -> Record:
    found = Record()
    found.heard(wire.Started(1, 1, "local", model))
    return found


def test_what_broke_off_has_its_figures_and_its_reason() -> None:
    found, metrics = record("m"), Metrics()
    usage, reason = Usage(7, 0, 3), Failure(Code.ENGINE_ERROR, "it broke")
    found.heard(wire.Interrupted(1, reason, usage, Timings(first_token=0.5)))
    metrics.count(found, 2.0)
    told = page(metrics)
    assert found.outcome == "engine_error"
    assert 'outcome="engine_error",tier="1"} 1.0' in told
    assert 'gen_ai_token_type="output",tier="1"} 3.0' in told
    assert (
        'time_to_first_token_seconds_sum{gen_ai_provider_name="local",gen_ai_response_model="m",tier="1"} 0.5'
        in told
    )


def test_a_prompt_with_several_answers_counts_once() -> None:
    found = Record()
    found.per_prompt = 2
    for number in (2, 0, 1, 3):
        found.heard(wire.Done(number, usage=Usage(10 + number // 2, 0, 1)))
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (21, 4)


def test_the_last_who_fails_is_told() -> None:
    found = Record()
    found.heard(wire.Failed(1, [Failure(Code.OVERLOADED, "wait")]))
    assert found.outcome == "overloaded"
    found.failed(Code.CANCELLED)
    assert found.status == 499


def test_names_without_number_are_one_row() -> None:
    metrics = Metrics()
    for number in range(MOST_MODELS + 5):
        metrics.count(record(f"m{number}?context={number}"), 1.0)
    rows = [line for line in page(metrics).splitlines() if line.startswith("ai_pal_requests_total")]
    assert len(rows) == MOST_MODELS + 1
    assert [row.endswith(" 5.0") for row in rows if f'"{OTHER}"' in row] == [True]
