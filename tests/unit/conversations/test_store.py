"""Conversations as they are kept: found again, continued, exported, and gone when they are deleted."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ai_pal.conversations.model import Attachment
from ai_pal.conversations.records import MARKS, Message
from ai_pal.conversations.store import Conversations, fts_query
from ai_pal.errors import AiPalError, Code, Failure
from ai_pal.protocol.content import Audio, Document, Image, Reasoning, ToolCall
from ai_pal.store.database import open_database
from ai_pal.store.schema import STEPS

SECRETS = ("zanzibar", "quetzalcoatl", "xylophonist")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ai-pal.db"


@pytest.fixture
def kept(file: Path) -> Iterator[Conversations]:
    conversations = Conversations(file)
    yield conversations
    conversations.close()


def turn(prompt: str, answer: str, at: float = 1.0) -> list[Message]:
    said = Message(
        role="assistant", content=answer, at=at, tier=3, provider="openai", model="gpt-4", remote=True
    )
    return [Message(role="user", content=prompt, at=at), said]


def begun(kept: Conversations, *turns: tuple[str, str], at: float = 1.0) -> int:
    messages = [message for prompt, answer in turns for message in turn(prompt, answer, at)]
    return kept.begin(turns[0][0], messages, now=at)


def on_disk(file: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(file.parent.iterdir()))


def test_a_conversation_comes_back_as_it_was_kept(kept: Conversations) -> None:
    messages = turn("Hello\nthere", "Hi! é 漢字 🙂")
    number = kept.begin(
        "  Hello\nthere", messages, now=1.0, model="phi-2", system="Be brief.", local_only=True
    )
    assert kept.keep(number, messages, after=2, expected=2, now=2.0)
    found = kept.show(number)
    assert found.messages == messages * 2
    assert (found.system, found.head.title, found.head.model) == ("Be brief.", "Hello", "phi-2")
    assert (found.head.created, found.head.updated, found.head.local_only) == (1.0, 2.0, True)


@pytest.mark.parametrize("there", [True, False], ids=["empty", "none"])
def test_where_the_disk_has_no_room_for_a_first_table_nothing_is_kept_and_that_can_be_asked(
    there: bool, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: Path) -> None:
        raise AiPalError(Failure(Code.DISK_FULL, "full"))

    monkeypatch.setattr("ai_pal.conversations.erasable.open_database", full)
    if there:
        file.touch()
    kept = Conversations(file)
    assert (kept.heads(), kept.latest(), kept.search("a"), kept.delete_all()) == ([], None, [], 0)
    with pytest.raises(AiPalError) as refused:
        begun(kept, ("a", "b"))
    assert refused.value.code == Code.DISK_FULL
    kept.close()
    assert file.exists() == there


def test_in_a_folder_that_is_read_only_it_can_be_read(
    kept: Conversations, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = begun(kept, ("a", "b"))
    kept.close()

    def unreadable(_file: Path) -> None:
        raise AiPalError(Failure(Code.FILE_UNREADABLE, "unable to open database file"))

    monkeypatch.setattr("ai_pal.conversations.erasable.open_database", unreadable)
    with pytest.raises(AiPalError, match="unable to open"):
        Conversations(file)
    monkeypatch.setattr("os.access", lambda _path, _mode: False)  # root could write all the same
    reading = Conversations(file)
    assert [head.id for head in reading.heads()] == [number]
    for change in (lambda: begun(reading, ("c", "d")), lambda: reading.delete([number]), reading.delete_all):
        with pytest.raises(AiPalError, match="its folder is read-only"):
            change()
    reading.close()


def test_the_last_one_spoken_in_comes_first(kept: Conversations) -> None:
    first, second = begun(kept, ("a", "b"), at=1.0), begun(kept, ("c", "d"), at=2.0)
    assert [head.id for head in kept.heads()] == [second, first]
    kept.keep(first, turn("e", "f"), after=2, expected=2, now=3.0)
    assert kept.latest() == first
    assert [(head.id, head.messages) for head in kept.heads(limit=1)] == [(first, 4)]


def test_the_list_tells_who_answered_last(kept: Conversations) -> None:
    number = begun(kept, ("Hi", "Hello"))
    here = Message(role="assistant", content="Hello", at=2.0, tier=1, provider="local", model="phi-2")
    assert [head.answered for head in kept.heads()] == ["openai:gpt-4"]
    kept.keep(number, [*turn("And?", "So")[:1], here], after=2, expected=2, now=2.0)
    assert [head.answered for head in kept.heads()] == ["phi-2"]
    kept.keep(number, [], after=1, expected=4, now=3.0)
    assert [head.answered for head in kept.heads()] == [""]


def test_messages_after_those_that_stay_are_replaced(kept: Conversations) -> None:
    number = begun(kept, ("one", "1"), ("two", "2"))
    assert kept.keep(number, turn("three", "3"), after=2, expected=4, now=2.0)
    assert [message.content for message in kept.show(number).messages] == ["one", "1", "three", "3"]
    assert kept.search("two") == []


def test_what_somebody_else_has_added_is_never_replaced(kept: Conversations) -> None:
    number = begun(kept, ("one", "1"))
    assert kept.keep(number, turn("two", "2"), after=2, expected=2, now=2.0)
    assert not kept.keep(number, turn("also two", "2"), after=2, expected=2, now=3.0)
    assert [message.content for message in kept.show(number).messages] == ["one", "1", "two", "2"]


def test_search_finds_all_words_in_any_case_and_marks_them(kept: Conversations) -> None:
    number = begun(kept, ("Where does the Loire rise?", "In the Ardèche."))
    (found,) = kept.search("loire RISE")
    assert (found.head.id, found.role) == (number, "user")
    assert found.snippet == f"Where does the {MARKS[0]}Loire{MARKS[1]} {MARKS[0]}rise{MARKS[1]}?"
    assert kept.search("ardeche")
    assert kept.search("ard*")
    assert kept.search('"the loire"')
    assert not kept.search('"loire the"')
    assert not kept.search("loire seine")


@pytest.mark.parametrize(
    "query", ['"', "(", "a AND", "NEAR(", "*", "col:x", "-x", "'; DROP", "", "\x00", "\ud800"]
)
def test_no_query_is_a_syntax_error(kept: Conversations, query: str) -> None:
    begun(kept, ("a", "b"))
    kept.search(query)


def test_every_word_of_a_query_is_quoted() -> None:
    assert fts_query('be* "two words" OR') == '"be"* "two words" "OR"'


ASK: dict[str, Callable[[Conversations], object]] = {
    "show": lambda kept: kept.show(7),
    "keep": lambda kept: kept.keep(7, [], after=0, expected=0, now=1.0),
    "delete": lambda kept: kept.delete([7]),
}


@pytest.mark.parametrize("what", ASK)
def test_an_unknown_conversation_is_told(kept: Conversations, what: str) -> None:
    with pytest.raises(AiPalError) as refused:
        ASK[what](kept)
    assert refused.value.code == Code.CONVERSATION_NOT_FOUND


def test_deleting_is_all_or_nothing(kept: Conversations) -> None:
    number = begun(kept, ("a", "b"))
    with pytest.raises(AiPalError):
        kept.delete([number, number + 1])
    assert kept.latest() == number


def test_not_a_byte_of_a_deleted_conversation_stays_on_the_disk(kept: Conversations, file: Path) -> None:
    for number in range(30):  # many pages, split and merged
        begun(kept, (f"about {number}", f"apples {number} " * 200))
    answers = (SECRETS[1] * 5, f"{SECRETS[2]} {SECRETS[0]} " * 20_000)
    secret = begun(kept, *[(f"{SECRETS[0]} " * 3, answer) for answer in answers])
    for number in range(30):
        begun(kept, (f"again {number}", f"pears {number} " * 200))
    assert all(word.encode() in on_disk(file) for word in SECRETS)
    kept.wipe()
    before = file.stat().st_size
    kept.delete([secret])
    assert not [word for word in SECRETS if word.encode() in on_disk(file)]
    assert file.stat().st_size < before - len(answers[1])
    assert len(kept.search("apples")) == 30


def test_not_a_byte_stays_while_another_connection_is_open(kept: Conversations, file: Path) -> None:
    other = open_database(file)
    other.execute("SELECT count(*) FROM messages").fetchall()
    kept.delete([begun(kept, (SECRETS[0], SECRETS[1]))])
    assert not [word for word in SECRETS if word.encode() in on_disk(file)]
    other.close()


def test_not_a_byte_stays_when_all_are_deleted(kept: Conversations, file: Path) -> None:
    for word in SECRETS:
        begun(kept, (word, word * 1000))
    assert kept.delete_all() == 3
    assert not [word for word in SECRETS if word.encode() in on_disk(file)]
    assert kept.heads() == []


def test_numbers_are_not_given_twice(kept: Conversations) -> None:
    number = begun(kept, ("a", "b"))
    kept.delete_all()
    assert begun(kept, ("c", "d")) > number


def test_half_a_character_from_a_terminal_is_no_obstacle(kept: Conversations) -> None:
    number = begun(kept, ("a\ud83d", "b\x00c"))
    assert [message.content for message in kept.show(number).messages] == ["a?", "b\x00c"]


FILES = (
    Attachment(f"{SECRETS[0]}.txt", Document(f"{SECRETS[0]}.txt", f"{SECRETS[1]} é"), "12 characters"),
    Attachment("picture.png", Image("image/png", f"\x00{SECRETS[2]}".encode() * 3000), "9 x 9"),
    Attachment("sound.wav", Audio("audio/wav", b"RIFF")),
)
BESIDE = (Reasoning(f"I think of a {SECRETS[0]}.", "sig"), ToolCall("1", "look", '{"at": "it"}'))


def with_files() -> list[Message]:
    return [
        Message(role="user", content="What is this?", at=1.0, attachments=FILES),
        Message(role="assistant", content="A thing.", at=1.0, beside=BESIDE),
    ]


def test_files_thoughts_and_calls_come_back_as_they_were_kept(kept: Conversations) -> None:
    number = kept.begin("What?", with_files(), now=1.0)
    assert kept.show(number).messages == with_files()
    assert kept.search("thing")
    assert not any(kept.search(word) for word in SECRETS)  # a search finds what was said


def test_not_a_byte_of_files_and_thoughts_stays(kept: Conversations, file: Path) -> None:
    number = kept.begin("What?", with_files(), now=1.0)
    again = kept.begin("What?", with_files(), now=1.0)
    assert all(word.encode() in on_disk(file) for word in SECRETS)
    assert kept.keep(again, [], after=0, expected=2, now=2.0)
    kept.delete([number])
    assert not [word for word in SECRETS if word.encode() in on_disk(file)]


def test_a_database_of_before_takes_files(file: Path) -> None:
    before = open_database(file, steps=STEPS[:4])
    before.execute("INSERT INTO conversations VALUES (1, 'a', 1, 1, '', NULL, 0)")
    before.execute(
        "INSERT INTO messages (conversation, role, content, at, tier, provider, model, remote, prompt_tokens,"
        " completion_tokens, interrupted) VALUES (1, 'user', 'a', 1, 0, '', '', 0, 0, 0, 0)"
    )
    before.close()
    conversations = Conversations(file)
    assert conversations.show(1).messages == [Message(role="user", content="a", at=1.0)]
    assert conversations.keep(1, with_files(), after=1, expected=1, now=2.0)
    assert conversations.show(1).messages[1:] == with_files()
    conversations.close()
