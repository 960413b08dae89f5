"""The table of loaded models."""

from ai_pal.cli.loaded.worker_table import NOTHING, worker_table
from ai_pal.protocol.client import WorkerStatus


def cells(status: WorkerStatus) -> list[str]:
    return worker_table([status]).splitlines()[1].split()


def test_nothing_loaded_is_said() -> None:
    assert worker_table([]) == NOTHING


def test_an_idle_model() -> None:
    status = WorkerStatus(
        "m",
        "ready",
        pid=7,
        memory=123_456_789,
        reserved=200_000_000,
        requests=4,
        context=8192,
        idle_for=65.4,
        unloads_in=235,
        keep_alive=300,
        abilities=["chat", "tools"],
    )
    assert cells(status) == [
        "m",
        "ready",
        "7",
        "123",
        "MB",
        "200",
        "MB",
        "8192",
        "chat",
        "tools",
        "0",
        "0",
        "4",
        "1m5s",
        "3m55s",
    ]


def test_a_model_that_stays_and_one_that_is_busy() -> None:
    assert cells(WorkerStatus("m", "ready", idle_for=1.0, keep_alive=-1))[-1] == "never"
    assert cells(WorkerStatus("m", "busy", active=2, keep_alive=300))[-2:] == ["-", "-"]


def test_a_pinned_model_says_so_busy_or_not() -> None:
    assert cells(WorkerStatus("m", "ready", idle_for=1.0, keep_alive=300, pinned=True))[-1] == "pinned"
    assert cells(WorkerStatus("m", "busy", active=2, keep_alive=300, pinned=True))[-1] == "pinned"


def test_a_model_that_is_calibrated_shows_how_far_it_is() -> None:
    shown = cells(WorkerStatus("m", "ready", calibrating=0.4, idle_for=130.0, unloads_in=170, keep_alive=300))
    assert shown[1:3] == ["calibrating", "40%"]
    assert shown[-2:] == ["2m10s", "2m50s"]


def test_a_loading_model_shows_how_far_it_is() -> None:
    assert cells(WorkerStatus("m", "loading", progress=0.42))[1:3] == ["loading", "42%"]


def test_a_failed_model_has_its_reason_and_cannot_drive_the_terminal() -> None:
    shown = worker_table([WorkerStatus("\x1b[2Jm", "failed", reason="it\nbroke\x1b]0;x")])
    assert "it\u240abroke" in shown
    assert "\x1b" not in shown


def test_a_narrow_terminal_gets_the_columns_that_matter() -> None:
    worker = WorkerStatus(
        "/home/somebody/models/a-rather-long-name-of-a-model.Q4_K_M.gguf",
        "ready",
        pid=1234567,
        memory=12_345_678_901,
        reserved=12_345_678_901,
        requests=1000,
        context=131_072,
        idle_for=65.4,
        unloads_in=235,
        keep_alive=300,
    )
    lines = worker_table([worker], 80).splitlines()
    assert max(map(len, lines)) <= 80
    assert "…" in lines[1]
    assert ".gguf" in lines[1]
    assert [word for word in ("STATE", "MEMORY", "WINDOW", "UNLOADS IN") if word not in lines[0]] == []
    assert "RESERVED" in worker_table([worker])
