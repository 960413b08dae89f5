"""Branches are one entry; two that go on with one conversation take nothing from each other."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from ai_pal.conversations.model import Conversation, Figures
from ai_pal.conversations.recorder import Recorder
from ai_pal.conversations.shelf import Branch, Shelf, Variant, variants
from ai_pal.errors import AiPalError


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


CLOCK = Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ai-pal.db"


@pytest.fixture
def shelf(file: Path) -> Iterator[Shelf]:
    with closing(Shelf(file)) as found:
        yield found


def recorder(file: Path) -> Recorder:
    return Recorder(file, pytest.fail, now=CLOCK)


def say(conversation: Conversation, prompt: str, answer: str) -> None:
    conversation.ask(prompt)
    conversation.answered(answer, "echo", figures=Figures(0.5, 0.1, 20.0, 1.5, "because", 4096))


def begun(file: Path, *turns: tuple[str, str]) -> int:
    conversation = Conversation()
    with closing(recorder(file)) as keeps:
        for prompt, answer in turns:
            say(conversation, prompt, answer)
            keeps.keep(conversation)
        assert keeps.number is not None
        return keeps.number


def branched(file: Path, number: int, before: int, prompt: str, answer: str) -> int:
    with closing(recorder(file)) as keeps:
        conversation = keeps.take_up(number)[1]
        keeps.branch()
        del conversation.turns[before:]
        say(conversation, prompt, answer)
        keeps.keep(conversation)
        assert keeps.number is not None
        return keeps.number


def test_figures_of_an_answer_come_back(file: Path) -> None:
    number = begun(file, ("a", "1"))
    with closing(recorder(file)) as keeps:
        turn = keeps.take_up(number)[1].turns[0]
    assert turn.figures == Figures(0.5, 0.1, 20.0, 1.5, "because", 4096)


def test_a_branch_leaves_what_was_there_and_is_one_entry_with_it(file: Path, shelf: Shelf) -> None:
    first = begun(file, ("a", "1"), ("b", "2"))
    second = branched(file, first, 1, "c", "3")
    assert [message.content for message in shelf.show(first).messages] == ["a", "1", "b", "2"]
    assert [message.content for message in shelf.show(second).messages] == ["a", "1", "c", "3"]
    assert [(head.id, head.tree) for head in shelf.trees()] == [(second, first)]
    third = branched(file, second, 0, "d", "4")
    assert shelf.of_tree(third) == [first, second, third]
    found = shelf.branches(first)
    assert variants(found, first) == {0: Variant(1, 2, 0, third), 1: Variant(1, 2, 0, second)}
    assert variants(found, second) == {0: Variant(1, 2, 0, third), 1: Variant(2, 2, first, 0)}
    assert variants(found, third) == {0: Variant(2, 2, second, 0)}


def test_of_a_shared_variant_the_latest_branch_is_meant() -> None:
    one, two = Branch(1, 5.0, (("a", "1"),)), Branch(2, 9.0, (("a", "1"), ("b", "2")))
    other = Branch(3, 1.0, (("x", "1"),))
    assert variants([one, two, other], 3) == {0: Variant(2, 2, 2, 0)}


def test_a_tree_is_renamed_pinned_and_deleted_whole(file: Path, shelf: Shelf) -> None:
    first = begun(file, ("a", "1"))
    second = branched(file, first, 0, "b", "2")
    other = begun(file, ("other", "1"))
    shelf.rename(first, "Both")
    shelf.pin(second, pinned=True)
    assert [(head.id, head.title, head.pinned) for head in shelf.trees()] == [
        (second, "Both", True),
        (other, "other", False),
    ]
    third = branched(file, second, 0, "c", "3")
    assert shelf.head(third).pinned
    shelf.delete(shelf.of_tree(first))
    assert [head.id for head in shelf.trees()] == [other]
    with pytest.raises(AiPalError, match="there is no conversation"):
        shelf.rename(first, "x")


def test_who_goes_on_with_the_same_conversation_gets_a_branch(file: Path, shelf: Shelf) -> None:
    number = begun(file, ("a", "1"))
    with closing(recorder(file)) as tab, closing(recorder(file)) as terminal:
        mine, theirs = tab.take_up(number)[1], terminal.take_up(number)[1]
        say(mine, "b", "2")
        say(theirs, "c", "3")
        tab.keep(mine)
        terminal.keep(theirs)
        assert (tab.number, terminal.number) == (number, number + 1)
    assert [message.content for message in shelf.show(number).messages] == ["a", "1", "b", "2"]
    assert [message.content for message in shelf.show(number + 1).messages] == ["a", "1", "c", "3"]
    assert len(shelf.trees()) == 1


def test_an_answer_that_was_replaced_meanwhile_is_not_overwritten(file: Path, shelf: Shelf) -> None:
    """Both have as many turns as before: their number alone tells nothing."""
    number = begun(file, ("a", "1"), ("b", "2"))
    with closing(recorder(file)) as tab, closing(recorder(file)) as terminal:
        mine, theirs = tab.take_up(number)[1], terminal.take_up(number)[1]
        for conversation, answer in ((mine, "mine"), (theirs, "theirs")):
            conversation.take_back()
            say(conversation, "b", answer)
        terminal.keep(theirs)
        tab.keep(mine)
    assert shelf.show(number).messages[3].content == "theirs"
    assert shelf.show(number + 1).messages[3].content == "mine"


def test_its_version_changes_when_others_change_it(file: Path, shelf: Shelf) -> None:
    before = shelf.version()
    assert shelf.version() == before
    begun(file, ("a", "1"))
    assert shelf.version() != before


def test_tags_are_of_all_branches_and_find_their_conversations(file: Path, shelf: Shelf) -> None:
    first, other = begun(file, ("a train", "b"), ("c", "d")), begun(file, ("another train", "b"))
    branched(file, first, 1, "other", "way")
    assert shelf.tag(first, ["#Travel", "  New   York ", "travel"]) == ("new york", "travel")
    later = branched(file, first, 1, "third", "way")
    assert shelf.head(later).tags == ("new york", "travel")
    assert [head.id for head in shelf.trees(tag="travel")] == [later]
    assert shelf.trees(tag="york") == shelf.trees(tag="trave") == []
    assert {head.id for head in shelf.heads(tag="new york")} == {first, 2 + first, later}
    assert {found.head.id for found in shelf.search("train", tag="travel")} == {first, 2 + first, later}
    assert {found.head.id for found in shelf.search("train")} == {first, 2 + first, later, other}
    shelf.tag(other, ["work"])
    assert shelf.tags() == ["new york", "travel", "work"]
    assert shelf.tag(later, ["work"], drop=["Travel", "never"]) == ("new york", "work")
    assert shelf.head(first).tags == ("new york", "work")


@pytest.mark.parametrize("bad", ["", " # ", "x" * 41, "a,b"])
def test_what_can_be_no_tag_is_refused(file: Path, shelf: Shelf, bad: str) -> None:
    number = begun(file, ("a", "b"))
    with pytest.raises(AiPalError):
        shelf.tag(number, ["fine", bad])
    assert shelf.head(number).tags == ()


def test_a_tag_holds_nothing_that_acts_and_there_are_so_many(file: Path, shelf: Shelf) -> None:
    number = begun(file, ("a", "b"))
    assert shelf.tag(number, ["a\nb\x1b[1m"]) == ("a b\u241b[1m",)
    with pytest.raises(AiPalError):
        shelf.tag(number, map(str, range(20)))
