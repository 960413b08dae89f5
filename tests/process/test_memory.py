"""Loads and the memory they need, with real processes and a budget that is soon used up."""

import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from ai_pal.client import Client
from ai_pal.config import paths
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol import client as wire
from tests.process.answers import PROMPT, ask, end_of, text_of, until
from tests.process.eventually import allowed, eventually
from tests.process.supervised import Supervised, status_of

Supervise = Callable[..., Supervised]
A, B, C = (f"echo?id={name}&leak_mb=100" for name in "abc")
"""Models of about 130 MB."""
ONE_FITS, TWO_FIT = "200MB", "300MB"


@pytest.fixture
def nurseries() -> tuple[str, ...]:
    """With nothing in memory but what echo needs."""
    return ("echo",)


def loaded(client: Client) -> list[str]:
    return sorted(status.model for status in client.status().workers)


def load(client: Client, model: str) -> list[wire.AnyEvent]:
    return [*client.load(model)]


def refusal(client: Client, model: str) -> AiPalError:
    with pytest.raises(AiPalError) as caught:
        load(client, model)
    assert caught.value.code == Code.INSUFFICIENT_MEMORY
    return caught.value


def test_the_least_recently_used_idle_model_makes_room(supervise: Supervise) -> None:
    daemon = supervise(memory_budget=TWO_FIT)
    with daemon.client() as client:
        load(client, A)
        load(client, B)
        client.ask(PROMPT, model=A)
        load(client, C)
        assert loaded(client) == [A, C]
        assert client.status().evictions == 1
    assert daemon.logged("model_evicted", model=B)


def test_who_waits_for_room_is_told_why_and_then_answered(supervise: Supervise) -> None:
    with supervise(memory_budget=ONE_FITS).client() as client:
        load(client, A)
        events = list(ask(client, B, tokens=5))
        end_of(events, wire.Done)
        reasons = [event.reason for event in events if isinstance(event, wire.Loading) and event.reason]
        assert [reason.partition(": ")[0] for reason in reasons] == [f"unloading {A}"]
        assert " is free" in reasons[0]


def test_a_busy_model_is_never_evicted_and_the_refusal_has_the_figures(supervise: Supervise) -> None:
    daemon = supervise(memory_budget=ONE_FITS)
    with daemon.client() as client, daemon.client() as other:
        stream = ask(client, A)
        until(iter(stream), wire.Delta)
        failure = refusal(other, B).failure
        assert failure.message.startswith(f"insufficient memory: {B} needs 0.1 GB, ")
        assert failure.message.endswith(" is free, 1 model is busy")
        assert failure.hint
        assert failure.retryable
        assert failure.retry_after
        events = end_of(list(other.chat(PROMPT, model=B)), wire.Failed)
        assert events.reasons[0].code == Code.INSUFFICIENT_MEMORY
        assert loaded(client) == [A]


def test_a_pinned_model_is_never_evicted_nor_reaped_but_unloaded_by_request(
    supervise: Supervise, ai_pal_home: Path
) -> None:
    config = ai_pal_home / "config.toml"
    config.write_text('keep_alive = 0\n[models."echo"]\npin = true\n')
    with supervise(config=config, memory_budget=ONE_FITS).client() as client:
        client.ask(PROMPT, model=A)
        status = status_of(client, A)
        assert status is not None
        assert status.pinned
        assert status.unloads_in is None
        assert refusal(client, B).failure.message.endswith("1 model is pinned")
        assert client.unload(A) == [A]
        assert loaded(client) == []


def test_what_never_fits_is_refused_while_others_load(supervise: Supervise) -> None:
    daemon = supervise(memory_budget=TWO_FIT)
    with daemon.client() as client, daemon.client() as other:
        loading = client.load(f"{A}&load_seconds=2")
        next(loading)
        refusal(other, "echo?leak_mb=1000")
        assert isinstance(list(loading)[-1], wire.Loaded)


def test_two_loads_that_fit_one_at_a_time_go_one_after_the_other(supervise: Supervise) -> None:
    daemon = supervise(memory_budget=ONE_FITS)
    results: dict[str, list[wire.AnyEvent]] = {}

    def chat(model: str) -> None:
        with daemon.client() as client:
            results[model] = list(ask(client, model, tokens=20))

    models = [f"{A}&load_seconds=0.5", f"{B}&load_seconds=0.5"]
    threads = [threading.Thread(target=chat, args=(model,)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    for model in models:
        end_of(results[model], wire.Done)
    assert len(daemon.logged("load_waits")) >= 1
    assert len(daemon.logged("model_evicted")) == 1
    assert not daemon.logged("load_refused")


def test_a_wait_for_memory_ends_in_time(supervise: Supervise) -> None:
    daemon = supervise(memory_budget=ONE_FITS, memory_wait=0.5)
    with daemon.client() as client, daemon.client() as other:
        slow = client.load(f"{A}&load_seconds=20")
        next(slow)
        error = refusal(other, B)
        assert "not enough came free within" in error.failure.message
        client.unload()


def test_a_client_that_leaves_while_its_load_waits_takes_the_load_along(supervise: Supervise) -> None:
    daemon = supervise(memory_budget=ONE_FITS)
    with daemon.client() as client:
        slow = client.load(f"{A}&load_seconds=20")
        next(slow)
        with daemon.client() as other:
            waiting = ask(other, B)
            eventually(lambda: (status := status_of(client, B)) and status.state == "waiting")
            waiting.cancel()
            end_of(list(waiting), wire.Cancelled)
        eventually(lambda: status_of(client, B) is None)
        client.unload()


def test_the_number_of_loaded_models_is_bounded(supervise: Supervise) -> None:
    daemon = supervise(max_loaded_models=2)
    with daemon.client() as client, daemon.client() as other:
        for model in ("echo?id=1", "echo?id=2", "echo?id=3"):
            load(client, model)
        assert loaded(client) == ["echo?id=2", "echo?id=3"]
        streams = [ask(client, model) for model in loaded(client)]
        for stream in streams:
            until(iter(stream), wire.Started)
        message = refusal(other, "echo?id=4").failure.message
        assert "at most 2 may be loaded, 2 models are busy" in message


def test_preloaded_models_are_loaded_without_being_asked_for(supervise: Supervise) -> None:
    with supervise(preload="echo?id=1,echo?id=2").client() as client:
        ready = ["echo?id=1", "echo?id=2"]
        eventually(lambda: [s.model for s in client.status().workers if s.state == "ready"] == ready)


def test_a_preload_that_does_not_fit_is_logged(supervise: Supervise) -> None:
    daemon = supervise(preload="echo?leak_mb=1000", memory_budget=ONE_FITS)
    eventually(lambda: daemon.logged("load_refused"))


@pytest.mark.parametrize("how", ["load_seconds=1", "load_hold_gil=1", f"load_seconds=1&{A[5:]}"])
def test_a_load_never_delays_a_neighbour(how: str, supervise: Supervise) -> None:
    """The neighbour's stream has its own process; only a supervisor that waits could hold it up."""
    daemon = supervise(memory_budget="1GB")
    with daemon.client() as client, daemon.client() as other:
        stream = ask(client, "echo?id=neighbour", tokens=100)
        heard = until(iter(stream), wire.Delta)
        loading = other.load(f"echo?{how}")
        next(loading)
        heard += list(stream)  # one second of words, all while the other model loads
        assert len(text_of(heard).split()) == 100
        done = end_of(heard, wire.Done)
        assert done.timings.total < allowed(3.0)
        assert isinstance(list(loading)[-1], wire.Loaded)


def test_estimates_learn_from_the_peak(supervise: Supervise) -> None:
    daemon = supervise()
    with daemon.client() as client:
        load(client, A)
        first = status_of(client, A)
        list(ask(client, A, tokens=5, leak_mb=30))
        client.unload()
        load(client, A)
        second = status_of(client, A)
        assert first is not None
        assert second is not None
        assert second.reserved - first.reserved > 20e6
    kept = paths.peaks_file(daemon.environ)
    assert kept.stat().st_mode & 0o077 == 0
    assert msgspec.json.decode(kept.read_bytes())


def test_two_supervisors_of_one_user_do_not_spend_the_same_memory_twice(
    supervise: Supervise, ai_pal_home: Path
) -> None:
    """The second one is hosted for one chat only, as with `--no-daemon`."""
    from ai_pal.client.daemon import hosted

    daemon = supervise(memory_budget=ONE_FITS)
    with pytest.MonkeyPatch.context() as patch, daemon.client() as client:
        patch.setenv("AI_PAL_MEMORY_BUDGET", ONE_FITS)
        patch.setenv("AI_PAL_HOME", str(ai_pal_home))
        with hosted() as other:
            load(client, A)
            refusal(other, B)
            client.unload()
            assert isinstance(load(other, B)[-1], wire.Loaded)
            refusal(client, A)
        assert isinstance(load(client, A)[-1], wire.Loaded)
