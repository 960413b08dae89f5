"""Requests and downloads for people: tables for a terminal, lines for a pipe."""

from ai_pal.cli.loaded.request_table import download_table, lines_of, request_table
from ai_pal.client.scene import Scene
from ai_pal.protocol import client as wire

ASKED = wire.RequestStatus(
    *("a.1", "chat", "answering", "pid 7", 7),
    model="m",
    tokens=12,
    seconds=3.2,
    first_token=0.25,
    tokens_per_second=4.0,
)


def test_a_request_is_a_line_with_who_asks_and_how_far_it_is() -> None:
    head, line = request_table([ASKED]).splitlines()
    assert head.split() == ["REQUEST", "MODEL", "PHASE", "TOKENS", "TOKENS/S", "FIRST", "FOR", "WHO", "KEY"]
    assert " ".join(line.split()) == "chat m answering 12 4.0 0.25 s 3s pid 7 a.1"
    for request, phase in (
        (wire.RequestStatus("a.1", "chat", "queued", position=3), "queued, 3."),
        (wire.RequestStatus("a.1", "load", "loading", progress=0.5), "loading 50%"),
        (wire.RequestStatus("a.1", "chat", "failed", code="no_key"), "failed: no_key"),
    ):
        assert phase in request_table([request])
    assert "gateway-user" in request_table(
        [wire.RequestStatus("a.1", "chat", "asked", principal="gateway-user")]
    )


def test_a_narrow_terminal_gets_what_matters() -> None:
    wide = max(map(len, request_table([ASKED], 40).splitlines()))
    assert wide <= 40
    assert "answering" in request_table([ASKED], 40)


def test_a_download_is_a_line() -> None:
    line = download_table(
        [wire.DownloadStatus("far", done=5_000_000, total=9_000_000, speed=2e6, remaining=2.0)]
    )
    assert line.splitlines()[1].split() == ["far", "5", "MB", "9", "MB", "2.0", "2s"]


def test_a_pipe_gets_a_line_for_each_phase_and_none_for_mere_progress() -> None:
    scene = Scene()
    said: list[str] = []
    for event in (
        wire.Picture(1, "1", 7, 2.0, models=[wire.WorkerStatus("m", "loading")]),
        wire.Changes(1, models=[wire.WorkerStatus("m", "loading", progress=0.5)]),
        wire.Changes(1, requests=[wire.RequestStatus("a.1", "chat", "loading", progress=0.5)]),
        wire.Changes(1, requests=[wire.RequestStatus("a.1", "chat", "loading", progress=0.9)]),
        wire.Changes(
            1, requests=[wire.RequestStatus("a.1", "chat", "done", tokens=4, tokens_per_second=2.0)]
        ),
        wire.Changes(1, models=[wire.WorkerStatus("m", "ready")]),
        wire.Changes(1, models=[wire.WorkerStatus("m", "ready", calibrating=0.0)]),
        wire.Changes(1, models=[wire.WorkerStatus("m", "ready", calibrating=0.1)]),
        wire.Changes(1, models=[wire.WorkerStatus("m", "ready")]),
        wire.Changes(1, models=[wire.WorkerStatus("m", wire.GONE, reason="idle for 3 s\x1b[2J")]),
        wire.Changes(1, downloads=[wire.DownloadStatus("far")], happened=[wire.Happening("evicted", "m")]),
    ):
        said += lines_of(event, scene)
        scene.take(event)
    assert said == [
        "model m loading 0%",
        "request a.1 chat loading 50% (-)",
        "request a.1 chat done 4 tokens, 2.0/s (-)",
        "model m ready",
        "model m calibrating 0%",
        "model m ready",
        "model m gone: idle for 3 s\N{SYMBOL FOR ESCAPE}[2J",
        "download far pulling - of -",
        "evicted m",
    ]
