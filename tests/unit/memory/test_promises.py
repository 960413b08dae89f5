"""The ledger that supervisors of one user share."""

import multiprocessing
from pathlib import Path

import msgspec

from ai_pal.memory import Claims
from ai_pal.memory.promises import PromiseFile


def claimed(ledger: PromiseFile) -> Claims | None:
    others = ledger.enter()
    if others is not None:
        ledger.leave(Claims())
    return others


def hold(file: Path, claims: tuple[int, int], ready: "multiprocessing.synchronize.Event") -> None:
    """Another supervisor: claims, and lives until it is killed."""
    ledger = PromiseFile(file)
    assert ledger.enter() is not None
    ledger.leave(Claims(*claims))
    ready.set()
    multiprocessing.Event().wait()


def other(file: Path, taken: int, promised: int) -> multiprocessing.Process:
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=hold, args=(file, (taken, promised), ready), daemon=True)
    process.start()
    assert ready.wait(20)
    return process  # type: ignore[return-value]


def test_the_claims_of_the_living_count_and_those_of_the_dead_do_not(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    mine = PromiseFile(file)
    process = other(file, 5, 7)
    assert claimed(mine) == Claims(5, 7)
    process.kill()
    process.join(20)
    assert claimed(mine) == Claims()
    mine.close()


def test_a_taken_lock_is_told_at_once_and_never_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    one, two = PromiseFile(file), PromiseFile(file)
    assert one.enter() == Claims()
    assert two.enter() is None
    one.leave(Claims(1, 2))
    assert two.enter() == Claims()  # the same process: no other supervisor
    two.leave(Claims())


def test_it_is_for_its_owner_only_and_a_damaged_one_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "ledger"
    file.write_bytes(b"not json")
    file.unlink()
    ledger = PromiseFile(file)
    assert file.stat().st_mode & 0o077 == 0
    file.write_bytes(b"not json")
    assert ledger.enter() == Claims()
    ledger.leave(Claims(1, 2))
    (row,) = msgspec.json.decode(file.read_bytes())
    assert row["claims"] == {"taken": 1, "promised": 2}
    ledger.close()
    assert msgspec.json.decode(file.read_bytes()) == []


def test_where_no_file_can_be_every_supervisor_is_on_its_own(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ledger = PromiseFile(tmp_path / "file" / "ledger")
    assert claimed(ledger) == Claims()
    ledger.close()
