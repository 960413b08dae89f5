"""Turns are kept as they end, and a failure to keep them is told once and breaks nothing."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ai_pal.conversations.model import Attachment, Conversation
from ai_pal.conversations.recorder import LATEST, Recorder
from ai_pal.conversations.store import Conversations
from ai_pal.errors import AiPalError, Code
from ai_pal.protocol.content import Document, Reasoning
from ai_pal.protocol.usage import Usage


class Bench:
    """A conversation that is recorded, and what was warned of."""

    def __init__(self, folder: Path) -> None:
        self.file, self.typed = folder / "ai-pal.db", folder / "history"
        self.warnings: list[str] = []
        self.conversation = Conversation()
        self.recorder = self.another()

    def another(self, *, writes: bool = True) -> Recorder:
        return Recorder(self.file, self.warnings.append, writes=writes, typed=self.typed, now=lambda: 1.0)

    def tell(self, prompt: str, answer: str) -> None:
        self.conversation.ask(prompt)
        self.conversation.answered(
            answer, "gpt-4", tier=3, provider="openai", remote=True, usage=Usage(3, 0, 4)
        )
        self.recorder.keep(self.conversation)

    def kept(self) -> list[list[str]]:
        with closing(Conversations(self.file)) as store:
            return [[said.content for said in store.show(head.id).messages] for head in store.heads()]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.recorder.close()


def test_each_turn_is_kept_as_it_ends(bench: Bench) -> None:
    bench.tell("a", "b")
    assert bench.kept() == [["a", "b"]]
    bench.tell("c", "d")
    assert bench.kept() == [["a", "b", "c", "d"]]


def test_a_conversation_is_taken_up_where_it_ended(bench: Bench) -> None:
    bench.tell("a", "b")
    with closing(bench.another()) as recorder:
        head, conversation = recorder.take_up(LATEST)
        assert conversation.turns == bench.conversation.turns
        conversation.ask("and why?")
        conversation.answered("because")
        recorder.keep(conversation)
    assert (head.id, head.title) == (1, "a")
    assert bench.kept() == [["a", "b", "and why?", "because"]]


def test_who_stood_in_for_whom_is_kept(bench: Bench) -> None:
    bench.conversation.ask("a")
    bench.conversation.answered("b", "smollm2", stands_for="phi-3")
    bench.tell("c", "d")
    with closing(bench.another()) as recorder:
        _, conversation = recorder.take_up(LATEST)
    assert [turn.stands_for for turn in conversation.turns] == ["phi-3", ""]
    assert conversation.ask("e")[2].text.startswith("(The answer above is by smollm2")


def test_what_is_taken_back_is_dropped_and_leaves_no_trace(bench: Bench) -> None:
    bench.tell("a", "b")
    bench.tell("zanzibar", "quetzal")
    bench.conversation.take_back()
    bench.recorder.keep(bench.conversation)
    assert bench.kept() == [["a", "b"]]
    bench.recorder.close()
    assert b"zanzibar" not in b"".join(path.read_bytes() for path in bench.file.parent.iterdir())


def test_another_answer_replaces_the_one_before(bench: Bench) -> None:
    bench.tell("a", "b")
    bench.conversation.take_back()
    bench.tell("a", "better")
    assert bench.kept() == [["a", "better"]]


def test_without_any_turn_left_nothing_is_kept(bench: Bench) -> None:
    bench.tell("a", "b")
    bench.conversation.take_back()
    bench.recorder.keep(bench.conversation)
    assert bench.kept() == []


def test_a_cleared_conversation_stays_and_another_begins(bench: Bench) -> None:
    bench.tell("a", "b")
    bench.conversation.clear()
    bench.recorder.begin_anew()
    bench.tell("c", "d")
    assert bench.kept() == [["c", "d"], ["a", "b"]]


def test_two_that_go_on_with_the_same_lose_nothing(bench: Bench) -> None:
    bench.tell("a", "b")
    with closing(bench.another()) as other:
        _, conversation = other.take_up(LATEST)
        bench.tell("here", "1")
        conversation.ask("there")
        conversation.answered("2")
        other.keep(conversation)
    assert bench.kept() == [["a", "b", "there", "2"], ["a", "b", "here", "1"]]


def test_forgetting_deletes_what_was_kept_and_what_was_typed(bench: Bench) -> None:
    bench.tell("kept", "b")
    bench.recorder.begin_anew()
    bench.conversation = Conversation()
    bench.tell("a", "b")
    bench.typed.write_text("\n# 2026\n+a\n\n# 2026\n+taken back\n\n# 2026\n+kept\n")
    assert bench.recorder.forget()
    assert bench.kept() == [["kept", "b"]]
    assert bench.typed.read_text().strip() == "# 2026\n+kept"
    assert not bench.recorder.forget()


def test_what_was_typed_and_not_kept_goes_when_the_chat_ends(bench: Bench) -> None:
    bench.tell("a", "b")
    bench.typed.write_text("\n# 2026\n+no answer came\n\n# 2026\n+a\n\n# 2026\n+/system be brief\n")
    bench.recorder.close()
    assert bench.typed.read_text().strip() == "# 2026\n+a"


def test_without_history_nothing_is_written_but_one_can_go_on(bench: Bench) -> None:
    bench.tell("a", "b")
    with closing(bench.another(writes=False)) as reader:
        _, conversation = reader.take_up(LATEST)
        conversation.ask("c")
        conversation.answered("d")
        reader.keep(conversation)
    assert bench.kept() == [["a", "b"]]


def test_nothing_is_opened_before_there_is_something_to_keep(bench: Bench) -> None:
    bench.recorder.keep(bench.conversation)
    assert not bench.file.exists()


def test_a_failed_save_is_told_once_and_the_next_one_makes_up_for_it(bench: Bench) -> None:
    bench.file.write_bytes(b"damaged" * 1000)
    bench.tell("a", "b")
    bench.tell("c", "d")
    assert len(bench.warnings) == 1
    assert "damaged" in bench.warnings[0]
    bench.file.unlink()
    bench.tell("e", "f")
    assert bench.kept() == [["a", "b", "c", "d", "e", "f"]]


def test_a_conversation_that_was_deleted_meanwhile_stays_deleted(bench: Bench) -> None:
    bench.tell("a", "b")
    with closing(Conversations(bench.file)) as store:
        store.delete_all()
    bench.tell("c", "d")
    assert bench.kept() == []
    assert len(bench.warnings) == 1


def test_there_may_be_nothing_to_take_up(bench: Bench) -> None:
    with pytest.raises(AiPalError) as refused:
        bench.recorder.take_up(LATEST)
    assert refused.value.code == Code.CONVERSATION_NOT_FOUND


def test_once_local_only_a_conversation_stays_so(bench: Bench) -> None:
    bench.tell("a", "b")
    bench.conversation.ask("c")
    bench.conversation.answered("d")
    bench.recorder.keep(bench.conversation, local_only=True)
    bench.tell("e", "f")
    with closing(bench.another()) as recorder:
        assert recorder.take_up(LATEST)[0].local_only


def test_once_among_the_users_machines_a_conversation_stays_so(bench: Bench) -> None:
    bench.tell("a", "b")
    bench.conversation.ask("c")
    bench.conversation.answered("d")
    bench.recorder.keep(bench.conversation, mine=True)
    bench.tell("e", "f")
    with closing(bench.another()) as recorder:
        head = recorder.take_up(LATEST)[0]
    assert (head.mine, head.local_only) == (True, False)


def test_files_and_thoughts_are_there_when_it_goes_on(bench: Bench) -> None:
    notes = Attachment("notes.txt", Document("notes.txt", "Buy milk."))
    bench.conversation.ask("What is to do?", [notes])
    bench.conversation.answered("Buy milk.", beside=[Reasoning("Hm.")])
    bench.recorder.keep(bench.conversation)
    _, taken = bench.another().take_up(LATEST)
    assert taken.turns == bench.conversation.turns
    assert bench.warnings == []


def folders(bench: Bench) -> set[str]:
    root = bench.file.with_name("prefixes")
    return {path.name for path in root.iterdir()} if root.is_dir() else set()


def test_what_was_read_has_one_folder_from_the_first_question_to_the_deletion(bench: Bench) -> None:
    mark = bench.recorder.mark_of(bench.conversation)
    assert folders(bench) == {mark}
    bench.tell("a", "b")
    assert bench.recorder.mark_of(bench.conversation) == mark
    bench.tell("c", "d")
    with closing(bench.another()) as recorder:
        _, conversation = recorder.take_up(LATEST)
        assert recorder.mark_of(conversation) == mark
    bench.recorder.close()
    assert folders(bench) == {mark}
    with closing(Conversations(bench.file)) as store:
        store.delete([1])
    assert folders(bench) == set()


def test_what_was_taken_back_takes_what_was_read_along(bench: Bench) -> None:
    first = bench.recorder.mark_of(bench.conversation)
    bench.tell("a", "b")
    bench.conversation.take_back()
    second = bench.recorder.mark_of(bench.conversation)
    assert folders(bench) == {second} != {first}
    bench.tell("c", "d")
    assert bench.recorder.mark_of(bench.conversation) == second
    with closing(Conversations(bench.file)) as store:
        assert store.mark(1) == second
    bench.conversation.take_back()
    bench.recorder.keep(bench.conversation)
    assert folders(bench) == set()


@pytest.mark.parametrize("end", ["forget", "begin_anew", "close"])
def test_a_conversation_that_is_not_kept_leaves_no_folder(bench: Bench, end: str) -> None:
    bench.recorder.mark_of(bench.conversation)
    getattr(bench.recorder, end)()
    assert folders(bench) == set()


def test_a_kept_one_that_is_forgotten_leaves_none_either(bench: Bench) -> None:
    bench.recorder.mark_of(bench.conversation)
    bench.tell("a", "b")
    bench.recorder.forget()
    assert folders(bench) == set()


def test_where_nothing_is_kept_nothing_is_marked(bench: Bench) -> None:
    with closing(bench.another(writes=False)) as recorder:
        assert recorder.mark_of(bench.conversation) == ""
    assert folders(bench) == set()


def test_one_from_before_gets_a_folder_with_its_next_question(bench: Bench) -> None:
    bench.tell("a", "b")
    with closing(bench.another()) as recorder:
        _, conversation = recorder.take_up(LATEST)
        mark = recorder.mark_of(conversation)
        conversation.ask("c")
        conversation.answered("d")
        recorder.keep(conversation)
    with closing(Conversations(bench.file)) as store:
        assert store.mark(1) == mark
        assert store.delete_all() == 1
    assert folders(bench) == set()


def test_an_answer_is_kept_while_it_grows_and_with_it_what_was_read(bench: Bench) -> None:
    file = Attachment("n.txt", Document("n.txt", "words"), "text")
    bench.conversation.ask("a", [file])
    mark = bench.recorder.mark_of(bench.conversation)
    for said in ("On", "Once", "Once more"):
        so_far = Conversation()
        so_far.ask("a", [file])
        so_far.answered(said, interrupted=said != "Once more")
        bench.recorder.keep(so_far)
        assert bench.kept() == [["a", said]]
    with closing(Conversations(bench.file)) as store:
        assert [one.attachments for one in store.show(1).messages] == [(file,), ()]
        assert store.mark(1) == mark
        assert store._connection.execute("SELECT max(id) FROM attachments").fetchone() == (1,), "written once"
    assert folders(bench) == {mark}
    assert not bench.recorder._to_wipe


def test_one_that_others_went_on_with_while_it_grew_takes_nothing_from_them(bench: Bench) -> None:
    bench.conversation.ask("a")
    bench.conversation.answered("On", interrupted=True)
    bench.recorder.keep(bench.conversation)
    with closing(Recorder(bench.file, pytest.fail, now=lambda: 2.0)) as other:
        conversation = other.take_up(LATEST)[1]
        conversation.ask("go on")
        conversation.answered("Yes")
        other.keep(conversation)
    bench.conversation.turns.clear()
    bench.tell("a", "Once more")
    assert sorted(bench.kept()) == [["a", "On", "go on", "Yes"], ["a", "Once more"]]


@pytest.mark.parametrize(("old", "broken"), [("Once", False), ("Twice", True)])
def test_what_is_no_longer_said_is_wiped(bench: Bench, old: str, broken: bool) -> None:
    bench.conversation.ask("a")
    bench.conversation.answered(old, interrupted=broken)
    bench.recorder.keep(bench.conversation)
    bench.conversation.turns.clear()
    bench.tell("a", "Once more")
    assert bench.recorder._to_wipe
