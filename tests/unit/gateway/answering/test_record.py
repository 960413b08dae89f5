"""What is kept of a request, and how it is counted."""

import asyncio

from ai_pal.errors import Code, Failure
from ai_pal.gateway.answering.record import Record
from ai_pal.gateway.metrics import MOST_MODELS, OTHER, Metrics
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


def test_what_it_cost_how_it_went_and_what_it_was_not_asked_in() -> None:
    found, metrics = record("m"), Metrics()
    found.heard(wire.Notice(1, "fallback", "nobody was there"))
    found.heard(wire.Done(1, usage=Usage(7, 0, 5), timings=Timings(tokens_per_second=20.0), cost=0.25))
    metrics.count(found, 2.0)
    told = page(metrics)
    who = 'gen_ai_provider_name="local",gen_ai_response_model="m"'
    assert f"ai_pal_cost_dollars_total{{{who}}} 0.25" in told
    assert f'time_per_output_token_seconds_sum{{{who},tier="1"}} 0.05' in told
    assert 'ai_pal_notices_total{kind="fallback"} 1.0' in told


def test_the_models_of_the_supervisor_are_told_without_their_options() -> None:
    workers = [
        wire.WorkerStatus("m?slots=1", "ready", pid=1, memory=10, active=1, queued=2),
        wire.WorkerStatus("m?slots=2", "loading", pid=2, memory=4, queued=1),
        wire.WorkerStatus("m?slots=2#2", "loading", pid=4, memory=1, replica=2),
        wire.WorkerStatus("m", "ready", pid=3, memory=1, vocabulary=True),
        wire.WorkerStatus("n", "failed"),
    ]

    async def status() -> wire.StatusReply:
        nodes = [wire.NodeStatus("a", 5, 9, cards=[wire.NodeCard("cuda:0", 3, 7)])]
        return wire.StatusReply(1, "0", 1, 1.0, "x", memory=100, workers=workers, nodes=nodes, evictions=2)

    told = page(Metrics(status))
    assert "ai_pal_loaded_models 2.0" in told
    assert 'ai_pal_model_memory_bytes{gen_ai_response_model="m"} 16.0' in told
    assert 'ai_pal_model_processes{gen_ai_response_model="m"} 3.0' in told
    assert 'ai_pal_running_requests{gen_ai_response_model="m"} 1.0' in told
    assert 'ai_pal_waiting_requests{gen_ai_response_model="m"} 3.0' in told
    assert 'ai_pal_waiting_requests{gen_ai_response_model="n"} 0.0' in told
    assert "ai_pal_supervisor_memory_bytes 100.0" in told
    assert "ai_pal_evictions_total 2.0" in told
    assert 'ai_pal_node_memory_free_bytes{node="a"} 5.0' in told
    assert 'ai_pal_node_card_free_bytes{card="cuda:0",node="a"} 3.0' in told
    assert "ai_pal_loaded_models" not in page(Metrics())
