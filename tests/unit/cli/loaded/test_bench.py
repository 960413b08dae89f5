"""`ai-pal bench`: medians, advice with its command, and nothing loaded that was not loaded before."""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from ai_pal.cli import run
from ai_pal.cli.loaded.bench.advising import advised
from ai_pal.cli.loaded.bench.command import _of_model
from ai_pal.cli.loaded.bench.figures import Row, Run, Smaller, slow_advice, thread_counts
from ai_pal.cli.loaded.bench.measuring import KEEP, loaded
from ai_pal.cli.loaded.bench.report import as_object, cells, charts
from ai_pal.config import Settings
from ai_pal.protocol import client as wire


def row(threads: int, decode: float | None, *, as_set: bool = False, prefill: float | None = 100.0) -> Row:
    return Row("m", threads, as_set, 10**8, [Run(512, 64, prefill, decode, 0.5)])


def test_what_is_told_is_the_median() -> None:
    speeds = (10.0, 30.0, 11.0, None)
    one = Row("m", 2, True, 10**8, [Run(512, 64, 200.0, speed, 0.25) for speed in speeds])
    assert (one.decode, one.prefill, one.first_token) == (11.0, 200.0, 0.25)
    assert one.spread == pytest.approx(20 / 11)
    assert cells(one) == ("m", "2 *", "200.0", "11.0", "0.25 s", "100 MB", "182%")
    assert cells(Row("m", 1, False, 0, [Run(8, 1, None, None, 0.0)]))[2:4] == ("-", "-")


def test_threads_that_suit_the_cores() -> None:
    assert [thread_counts(cores) for cores in (1, 2, 4, 16)] == [[1], [1, 2], [1, 2, 3, 4], [4, 8, 15, 16]]


def said(*rows: Row) -> list[tuple[str, str]]:
    return [(one.text, one.command) for one in advised(rows, Settings())]


@pytest.mark.parametrize(
    ("rows", "text", "command"),
    [
        ([row(1, 10.0), row(2, 20.0, as_set=True)], "none of the other numbers of threads is faster", ""),
        ([row(1, 20.9), row(2, 20.0, as_set=True)], "none of the other numbers of threads is faster", ""),
        (
            [row(1, 10.0, as_set=True), row(4, 20.0)],
            "4 threads answer 1.7 times as fast as 1",
            "ai-pal config set models.m.threads 4",
        ),
        (
            [row(2, 2.0, as_set=True)],
            "it writes 2.0 tokens a second, slower than people read; a smaller model is faster",
            "ai-pal list --all",
        ),
    ],
)
def test_advice_comes_with_its_command(rows: list[Row], text: str, command: str) -> None:
    assert said(*rows) == [(text, command)]


def test_slow_and_nothing_measured_are_said_or_not() -> None:
    advice = slow_advice(row(2, 2.0, as_set=True), Smaller("m:q4", 0.5))
    assert advice is not None
    assert advice.text.endswith("slower than people read; m:q4 would write about 4.0")
    assert advice.command == "ai-pal pull m:q4"
    assert said(row(2, None, as_set=True)) == []


def form(name: str, decode: float, megabytes: int) -> Row:
    return Row(f"m:{name}", 2, True, megabytes * 10**6, [Run(512, 64, 100.0, decode, 0.5)], "m")


@pytest.mark.parametrize(
    ("decode", "forms", "better", "why"),
    [
        (2.0, [form("q6", 6.0, 90), form("q4", 9.0, 50)], "q6", "slower than people read"),
        (2.0, [form("q6", 3.0, 90), form("q4", 4.0, 50)], "q4", "slower than people read"),
        (20.0, [form("q8", 12.0, 150), form("q4", 30.0, 50)], "q8", "and loses more of the model"),
        (20.0, [form("q8", 3.0, 150), form("q4", 30.0, 50)], "q4", "and loses less of the model"),
    ],
)
def test_another_quantization_is_weighed_by_speed_and_size(
    decode: float, forms: list[Row], better: str, why: str
) -> None:
    ((text, command),) = said(row(2, decode, as_set=True), *forms)
    assert text.startswith(f"m:{better} writes ")
    assert text.endswith(why)
    assert command == f"ai-pal chat -m m:{better}"


def test_quantizations_beside_a_file_are_measured_as_set_unless_it_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"m-{kind}.gguf" for kind in ("Q4_0", "Q8_0")]
    for file in files:
        file.write_bytes(b"GGUF\x03\0\0\0")

    def measured(*_: object, as_set: bool, shown: str, form_of: str = "") -> Row:
        return Row(shown, 2, as_set, 0, [], form_of)

    monkeypatch.setattr("ai_pal.cli.loaded.bench.measuring.measure", measured)
    for alone, expected in ((False, [("Q4_0", ""), ("Q8_0", "Q4_0")]), (True, [("Q4_0", "")])):
        args = argparse.Namespace(
            prompt=8, answer=8, repeat=1, threads=[2], alone=alone, models=[str(files[0])]
        )
        rows = _of_model(None, str(files[0]), args, Settings())  # type: ignore[arg-type]
        assert [(row.model[-9:-5], row.form_of[-9:-5]) for row in rows] == expected


def test_no_quantization_is_better() -> None:
    now = row(2, 20.0, as_set=True)
    nothing = "none of the other quantizations and numbers of threads is better"
    assert said(now, form("q8", 3.0, 150), form("q4", 20.5, 50)) == [(nothing, "")]


def test_charts_and_the_object_have_each_row() -> None:
    rows = [row(1, 10.0, as_set=True), row(2, 20.0)]
    writes, *_ = charts(rows)
    assert writes.series == {"1 thread": [10.0], "2 threads": [20.0]}
    assert [one["decode"] for one in as_object(rows, [], {})["rows"]] == [10.0, 20.0]


class Supervisor:
    """Knows which models are loaded, as a client sees it."""

    def __init__(self, *models: str) -> None:
        self.models = {model: wire.WorkerStatus(model, "ready") for model in models}
        self.kept: list[float | None] = []

    def status(self) -> wire.StatusReply:
        return wire.StatusReply(0, "1", 1, 1.0, "", workers=list(self.models.values()))

    def load(self, model: str, keep_alive: float | None = None) -> Iterator[wire.Loading | wire.Loaded]:
        yield wire.Loading(0, model, 0.5)
        self.kept.append(keep_alive)
        self.models.setdefault(model, wire.WorkerStatus(model, "ready"))
        yield wire.Loaded(0, model)

    def unload(self, model: str) -> list[str]:
        return [self.models.pop(model).model]


@pytest.mark.parametrize("end", [None, KeyboardInterrupt, SystemExit])
def test_what_was_not_loaded_is_gone_however_it_ends(end: type[BaseException] | None) -> None:
    supervisor, told = Supervisor("other"), list[str]()
    try:
        with loaded(supervisor, "m", told.append) as worker:  # type: ignore[arg-type]
            assert worker.model in supervisor.models
            if end is not None:
                raise end
    except (KeyboardInterrupt, SystemExit):
        pass
    assert list(supervisor.models) == ["other"]
    assert (supervisor.kept, told) == ([KEEP], ["loading 50%"])


def test_what_was_loaded_stays_as_it_was() -> None:
    supervisor = Supervisor("m")
    with loaded(supervisor, "m", lambda what: None):  # type: ignore[arg-type]
        pass
    assert list(supervisor.models) == ["m"]
    assert supervisor.kept == [None]


def test_what_others_wait_for_stays() -> None:
    supervisor = Supervisor()
    with loaded(supervisor, "m", lambda what: None):  # type: ignore[arg-type]
        supervisor.models["m"] = wire.WorkerStatus("m", "busy", queued=1)
    assert list(supervisor.models) == ["m"]


@pytest.mark.parametrize(
    "options", [["--threads", "0"], ["--threads", "1,x"], ["--repeat", "0"], ["--plot", "b.png"]]
)
def test_options_that_cannot_be_are_refused(options: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        run(["bench", "echo", *options])
    assert caught.value.code == 2
