"""What is kept of doubts: numbers by model file and kind, no text, readable by nobody else."""

from pathlib import Path

import msgspec

from ai_pal.catalog.references.resolved import Resolved
from ai_pal.protocol.worker import LoadModel
from ai_pal.store.doubts import MOST_SEEN, SAVE_EVERY, Calibration, DoubtFile, Mark, Seen, key_of

GOOD = Calibration(0.8, 100)


def test_what_was_learned_is_there_for_the_next(tmp_path: Path) -> None:
    file = tmp_path / "doubts.json"
    kept = DoubtFile(file, lambda: 0.0)
    kept.calibrate("a", GOOD)
    model = kept.known("a")
    assert model is not None
    model.seen("open").add("whole", 0.5)
    kept.learned()
    kept.close()
    again = DoubtFile(file).known("a")
    assert again is not None
    assert again.can_doubt
    assert again.kinds["open"].whole == [0.5]
    assert file.stat().st_mode & 0o077 == 0


def test_it_is_written_now_and_then_while_answers_come(tmp_path: Path) -> None:
    now = [0.0]
    kept = DoubtFile(tmp_path / "doubts.json", lambda: now[0])
    kept.calibrate("a", GOOD)
    for seconds, expected in ((1.0, 0), (SAVE_EVERY, 2)):
        now[0] = seconds
        model = kept.known("a")
        assert model is not None
        model.seen("open").add("whole", seconds)
        kept.learned()
        other = DoubtFile(tmp_path / "doubts.json").known("a")
        assert other is not None
        assert len(other.kinds.get("open", Seen()).whole) == expected


def test_a_calibration_that_another_writes_is_seen_at_once(tmp_path: Path) -> None:
    file = tmp_path / "doubts.json"
    mine, other = DoubtFile(file), DoubtFile(file)
    assert mine.known("a") is None
    other.calibrate("a", GOOD)
    known = mine.known("a")
    assert known is not None
    assert known.calibration == GOOD


def test_what_was_learned_is_forgotten_on_request(tmp_path: Path) -> None:
    kept = DoubtFile(tmp_path / "doubts.json")
    kept.calibrate("a", GOOD)
    model = kept.known("a")
    assert model is not None
    model.seen("code").add("whole", 1.0)
    kept.forget()
    again = DoubtFile(tmp_path / "doubts.json").known("a")
    assert again is not None
    assert again.kinds == {}
    assert again.calibration == GOOD


def test_what_cannot_be_read_is_learned_again(tmp_path: Path) -> None:
    file = tmp_path / "doubts.json"
    file.write_text("{")
    assert DoubtFile(file).known("a") is None


def test_only_the_latest_count() -> None:
    seen = Seen()
    for number in range(2 * MOST_SEEN):
        seen.add("beginning", float(number))
        seen.add_both(float(number), -float(number))
    latest = [float(number) for number in range(MOST_SEEN, 2 * MOST_SEEN)]
    assert seen.beginning == latest
    assert seen.both == [(number, -number) for number in latest]


def test_what_earlier_versions_have_kept_is_read(tmp_path: Path) -> None:
    file = tmp_path / "doubts.json"
    file.write_text(
        '{"a":{"unfinished":{"questions":"q","answers":{"1":[true,"probe",0.5],"2":[false]}},'
        '"kinds":{"closed":{"probe":[0.5]}}}}'
    )
    known = DoubtFile(file).known("a")
    assert known is not None
    assert known.begun("q").answers == {"1": Mark(True, "probe", 0.5), "2": Mark(False)}
    assert known.seen("closed").both == []


def test_another_file_in_its_place_is_another_model() -> None:
    load = LoadModel("m", "llamacpp")
    one, other = (key_of(Resolved(load, file="/m.gguf", stamp=stamp)) for stamp in ("1", "2"))
    assert one != other


def test_a_model_that_tells_too_little_cannot_doubt() -> None:
    assert not Calibration(0.64, 100).can_doubt
    assert not Calibration(0.9, 29).can_doubt
    assert Calibration(0.65, 100).can_doubt
    assert msgspec.json.encode(GOOD) == b'{"area":0.8,"questions":100}'


def test_what_is_forgotten_while_an_answer_comes_stays_forgotten(tmp_path: Path) -> None:
    mine, other = (DoubtFile(tmp_path / "doubts.json", lambda: 0.0) for _ in range(2))
    mine.calibrate("a", GOOD)
    model = mine.known("a")
    assert model is not None
    model.seen("open").add("whole", 1.0)
    mine.save()
    other.forget()
    model.seen("open").add("whole", 2.0)
    mine.learned()
    mine.close()
    again = DoubtFile(tmp_path / "doubts.json").known("a")
    assert again is not None
    assert again.kinds == {}
