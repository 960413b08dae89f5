"""What those see who look on: entries come, change and go, and times go on."""

from ai_pal.client.scene import Scene
from ai_pal.protocol import client as wire

REQUEST = wire.RequestStatus("a.1", "chat", "queued", position=2, seconds=1.0)
MODEL = wire.WorkerStatus("m", "ready", idle_for=1.0, unloads_in=4.0)
DOWNLOAD = wire.DownloadStatus("far", done=5)
PICTURE = wire.Picture(1, "1", 7, 2.0, free=50, models=[MODEL], requests=[REQUEST], downloads=[DOWNLOAD])


def test_changes_take_the_place_of_what_was() -> None:
    scene = Scene()
    scene.take(PICTURE)
    answering = wire.RequestStatus("a.1", "chat", "answering", tokens=3)
    scene.take(wire.Changes(1, requests=[answering], free=40))
    scene.take(wire.Changes(1, happened=[wire.Happening("evicted", "m")]))
    assert scene.requests == {"a.1": answering}
    assert scene.models == {"m": MODEL}
    assert scene.free == 40
    assert scene.supervisor is PICTURE
    assert [one.kind for one in scene.happened] == ["evicted"]


def test_what_is_over_is_gone() -> None:
    scene = Scene()
    scene.take(PICTURE)
    done = wire.RequestStatus("a.1", "chat", "done")
    model, download = wire.WorkerStatus("m", wire.GONE), wire.DownloadStatus("far", wire.GONE)
    never = wire.RequestStatus("b.1", "chat", "failed")
    scene.take(wire.Changes(1, models=[model], requests=[done, never], downloads=[download]))
    assert not scene.models
    assert not scene.requests
    assert not scene.downloads
    assert list(scene.ended) == [done, never]


def test_a_new_picture_is_all_there_is() -> None:
    scene = Scene()
    scene.take(PICTURE)
    scene.take(wire.Picture(1, "1", 7, 9.0))
    assert not scene.models
    assert not scene.requests
    assert not scene.downloads


def test_times_go_on_while_nothing_is_told() -> None:
    scene = Scene()
    scene.take(PICTURE, now=100.0)
    (model,), (request,) = scene.models_at(103.0), scene.requests_at(103.0)
    assert (model.idle_for, model.unloads_in, request.seconds) == (4.0, 1.0, 4.0)
    assert scene.models_at(200.0)[0].unloads_in == 0.0


def test_it_does_not_grow() -> None:
    scene = Scene()
    for number in range(1000):
        key = f"a.{number}"
        scene.take(wire.Changes(1, requests=[wire.RequestStatus(key, "chat", "asked")]))
        scene.take(wire.Changes(1, requests=[wire.RequestStatus(key, "chat", "done")]))
    assert len(scene.ended) < 100
    assert not any(isinstance(kept, dict) and kept for kept in vars(scene).values())


def test_what_happened_has_its_age_and_a_new_picture_its_own() -> None:
    scene = Scene()
    old = wire.Happening("evicted", "m", seconds=5.0)
    scene.take(wire.Picture(1, "1", 7, 2.0, happened=[old]), 10.0)
    scene.take(wire.Changes(1, happened=[wire.Happening("fallback")]), 12.0)
    assert [(one.kind, one.seconds) for one in scene.happened_at(20.0)] == [
        ("evicted", 15.0),
        ("fallback", 8.0),
    ]
    scene.take(wire.Picture(1, "1", 7, 2.0, happened=[old]), 30.0)
    assert [(one.kind, one.seconds) for one in scene.happened_at(30.0)] == [("evicted", 5.0)]
