"""The database as a file: whose it is, how it grows with versions, what is said when it cannot be used."""

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ai_pal.conversations.store import Conversations
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.store.database import explained, look_at, open_database, transaction
from ai_pal.store.schema import STEPS
from ai_pal.store.sqlite_ledger import SqliteLedger

OPEN = """
import sys
from contextlib import closing
from pathlib import Path
from ai_pal.store.database import open_database
print(open_database(Path(sys.argv[1])).execute("PRAGMA user_version").fetchone()[0])
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ai-pal.db"


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_all_its_files_are_the_owners_only(file: Path) -> None:
    connection = open_database(file)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes == dict.fromkeys(["ai-pal.db", "ai-pal.db-wal", "ai-pal.db-shm"], 0o600)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    connection.close()


def test_a_database_that_others_could_read_is_closed_to_them(file: Path) -> None:
    holder = open_database(file)
    for path in file.parent.iterdir():
        path.chmod(0o644)
    open_database(file).close()
    assert {stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()} == {0o600}
    holder.close()


def test_commits_are_durable_and_deletions_overwrite(file: Path) -> None:
    connection = open_database(file)
    assert pragma(connection, "journal_mode") == "wal"
    assert pragma(connection, "synchronous") == 2  # FULL
    assert pragma(connection, "secure_delete") == 1
    connection.close()


def test_twenty_processes_may_be_the_first_to_open_it(file: Path) -> None:
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN, file], stdout=subprocess.PIPE, text=True)
        for _ in range(20)
    ]
    assert [process.communicate(timeout=120)[0] for process in started] == [f"{len(STEPS)}\n"] * 20


def test_an_older_version_is_brought_up_step_by_step(file: Path) -> None:
    first = ("CREATE TABLE a (x)", "INSERT INTO a VALUES (1)")
    second = ("ALTER TABLE a ADD COLUMN y DEFAULT 2",)
    open_database(file, steps=(first,)).close()
    connection = open_database(file, steps=(first, second))
    assert connection.execute("SELECT * FROM a").fetchall() == [(1, 2)]
    connection.close()


def test_conversations_of_the_versions_before_are_still_there(file: Path) -> None:
    connection = open_database(file, steps=STEPS[:2])
    connection.execute(
        "INSERT INTO conversations VALUES (1, 'title', 1.0, 1.0, 'm', NULL, 0)",
    )
    connection.execute("INSERT INTO messages VALUES (1, 1, 'user', 'hi', 1.0, 0, '', 'm', 0, 0, 0, 0)")
    connection.close()
    store = Conversations(file)
    assert [(said.content, said.stands_for) for said in store.show(1).messages] == [("hi", "")]
    store.close()


def test_a_step_that_fails_leaves_the_version_before(file: Path) -> None:
    first = ("CREATE TABLE a (x)",)
    open_database(file, steps=(first,)).close()
    with pytest.raises(AiPalError):
        open_database(file, steps=(first, ("CREATE TABLE b (x)", "nonsense")))
    connection = open_database(file, steps=(first,))
    assert connection.execute("SELECT name FROM sqlite_schema").fetchall() == [("a",)]
    connection.close()


def test_a_newer_version_is_refused_and_left_as_it_is(file: Path) -> None:
    connection = open_database(file)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(AiPalError, match="newer AI-PAL") as refused:
        open_database(file)
    assert refused.value.code == Code.STORE_NEWER


def test_a_damaged_file_is_named_with_what_to_do(file: Path) -> None:
    file.parent.mkdir()
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(AiPalError) as refused:
        open_database(file)
    assert refused.value.code == Code.STORE_DAMAGED
    assert f"mv {file}" in refused.value.failure.hint
    assert file.read_bytes().startswith(b"no database")


def test_a_folder_in_its_place_is_unreadable(file: Path) -> None:
    file.mkdir(parents=True)
    with pytest.raises(AiPalError) as refused:
        open_database(file)
    assert refused.value.code == Code.FILE_UNREADABLE


def test_a_full_disk_is_told_as_such_and_nothing_of_the_transaction_stays(file: Path) -> None:
    connection = open_database(file, steps=(("CREATE TABLE a (x)",),))
    pages = pragma(connection, "page_count")
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(AiPalError) as refused, explained(file), transaction(connection):
        connection.execute("INSERT INTO a VALUES (1), (zeroblob(100000))")
    assert refused.value.code == Code.DISK_FULL
    assert connection.execute("SELECT count(*) FROM a").fetchone() == (0,)
    connection.close()


def test_on_a_full_disk_what_there_is_can_be_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = SqliteLedger(file)
    ledger.close()

    def full(_file: Path) -> None:
        raise AiPalError(Failure(Code.DISK_FULL, "full"))

    monkeypatch.setattr("ai_pal.store.database.open_database", full)
    for place in (file, file.with_name("none.db")):
        with closing(SqliteLedger(place, reads=True)) as found:
            assert found.summary("model", since=0.0) == []
        assert place.exists() == (place == file)


def test_another_process_that_writes_for_too_long_is_busy(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = open_database(file)
    monkeypatch.setattr("ai_pal.store.database.BUSY_SECONDS", 0.05)
    waiting = open_database(file)
    with transaction(holder), pytest.raises(AiPalError) as refused, explained(file), transaction(waiting):
        pass
    assert refused.value.code == Code.STORE_BUSY
    assert refused.value.retryable
    holder.close()
    waiting.close()


def test_a_look_tells_a_sound_database_from_others_and_changes_nothing(file: Path) -> None:
    open_database(file).close()
    file.chmod(0o644)
    before = file.read_bytes()
    look_at(file)
    assert [path.name for path in file.parent.iterdir()] == ["ai-pal.db"]
    file.write_bytes(before[:4096] + bytes(reversed(before[4096:])))
    with pytest.raises(AiPalError) as refused:
        look_at(file)
    assert refused.value.code == Code.STORE_DAMAGED
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
