"""What a conversation sends, forgets and saves."""

from ai_pal.conversations.model import Attachment, Conversation, Prompt
from ai_pal.protocol.content import Document, Message, Reasoning, Text, ToolCall


def told(*turns: tuple[str, str], system: str | None = None) -> Conversation:
    conversation = Conversation(system)
    for prompt, answer in turns:
        conversation.ask(prompt)
        conversation.answered(answer, "m")
    return conversation


def test_a_prompt_goes_with_all_that_was_said_before() -> None:
    assert told(("a", "b"), system="s").ask("c") == [
        Message("system", "s"), Message("user", "a"), Message("assistant", "b"), Message("user", "c"),
    ]  # fmt: skip


def test_an_empty_system_prompt_is_sent_and_no_system_prompt_is_not() -> None:
    assert Conversation("").ask("a")[0] == Message("system", "")
    assert Conversation(None).ask("a") == [Message("user", "a")]


def test_an_unanswered_prompt_is_not_sent_again_by_itself() -> None:
    conversation = told(("a", "b"))
    conversation.ask("lost")
    conversation.answered("")
    assert [m.content for m in conversation.ask("c")] == ["a", "b", "c"]


def test_an_interrupted_answer_stays_and_is_marked() -> None:
    conversation = Conversation()
    conversation.ask("a")
    conversation.answered("begin", interrupted=True)
    assert conversation.ask("go on")[1] == Message("assistant", "begin")
    assert conversation.turns[0].interrupted
    assert "*(interrupted)*" in conversation.markdown()


def test_take_back_returns_the_prompt_and_removes_its_answer() -> None:
    conversation = told(("a", "b"), ("c", "d"))
    assert conversation.take_back().text == "c"
    assert conversation.last_answer == "b"


def test_take_back_of_an_unanswered_prompt_keeps_the_turn_before() -> None:
    conversation = told(("a", "b"))
    conversation.ask("c")
    assert conversation.take_back().text == "c"
    assert conversation.take_back().text == "a"
    assert conversation.take_back().text == ""


def test_clear_keeps_the_system_prompt() -> None:
    conversation = told(("a", "b"), system="s")
    conversation.clear()
    assert conversation.ask("x") == [Message("system", "s"), Message("user", "x")]
    assert conversation.last_answer == ""


def test_markdown_holds_every_turn_and_who_spoke() -> None:
    text = told(("a", "b"), system="s").markdown()
    assert text == "**System**\n\ns\n\n---\n\n**You**\n\na\n\n---\n\n**m**\n\nb\n"


def stood_in() -> Conversation:
    """Two answers by a stand-in, then one by the model that was meant."""
    conversation = Conversation()
    for prompt, answer, model, stands_for in (
        ("a", "b", "smollm2", "/models/phi-3.gguf"),
        ("c", "d", "smollm2", "/models/phi-3.gguf"),
        ("e", "f", "/models/phi-3.gguf", ""),
    ):
        conversation.ask(prompt, marked=not stands_for)
        conversation.answered(answer, model, stands_for=stands_for)
    return conversation


def test_the_model_that_was_meant_is_told_what_a_stand_in_said() -> None:
    note = "(The answer above is by smollm2, which stood in for you.)\n\n"
    messages = stood_in().ask("g")
    assert [message.content for message in messages] == ["a", "b", note + "c", "d", note + "e", "f", "g"]
    assert [message.role for message in messages] == ["user", "assistant"] * 3 + ["user"]


def test_the_stand_in_itself_is_told_nothing() -> None:
    assert [message.content for message in stood_in().ask("g", marked=False)] == list("abcdefg")


def test_a_note_is_no_part_of_the_prompt() -> None:
    conversation = stood_in()
    conversation.ask("g")
    assert conversation.last_prompt.text == "g"
    conversation.answered("h", "phi-3")
    assert [turn.prompt for turn in conversation.turns] == ["a", "c", "e", "g"]


def test_who_answered_in_whose_place_is_in_the_markdown() -> None:
    text = stood_in().markdown()
    assert text.count("**smollm2** *(in place of phi-3.gguf)*") == 2
    assert "**/models/phi-3.gguf**\n\nf" in text


NOTES = Attachment("notes.txt", Document("notes.txt", "Buy milk."), "9 characters")
THOUGHT, CALL = Reasoning("First, ", "signed"), ToolCall("1", "weather", '{"city": "Paris"}')


def test_files_go_before_the_prompt_and_again_with_each_later_one() -> None:
    conversation = Conversation()
    [asked] = conversation.ask("What is to do?", [NOTES])
    assert asked == Message("user", [NOTES.part, Text("What is to do?")])
    conversation.answered("Buy milk.")
    assert conversation.ask("And then?")[0] == asked
    assert conversation.turns[0].attachments == (NOTES,)


def test_what_is_taken_back_brings_its_files_along() -> None:
    conversation = Conversation()
    conversation.ask("a", [NOTES])
    assert conversation.take_back() == Prompt("a", (NOTES,))
    conversation.ask("b", [NOTES])
    conversation.answered("c")
    assert conversation.last_prompt == Prompt("b", (NOTES,))
    assert conversation.take_back() == Prompt("b", (NOTES,))
    assert conversation.take_back() == Prompt()


def test_thoughts_are_sent_back_apart() -> None:
    conversation = told(("a", "b"))
    conversation.ask("c")
    conversation.answered("d", beside=[THOUGHT])
    assert conversation.ask("e")[3] == Message("assistant", [THOUGHT, Text("d")])
    assert (conversation.last_answer, conversation.last_thinking) == ("d", "First, ")


def test_a_call_that_nobody_ran_is_sent_back_in_words() -> None:
    conversation = Conversation()
    conversation.ask("a")
    conversation.answered("", beside=[CALL])
    assert conversation.ask("b")[1] == Message("assistant", 'weather {"city": "Paris"}')


def test_what_only_thought_is_no_turn() -> None:
    conversation = Conversation()
    conversation.ask("a")
    conversation.answered("", beside=[THOUGHT])
    assert conversation.turns == []


def test_markdown_tells_files_thoughts_and_calls_apart() -> None:
    conversation = Conversation()
    conversation.ask("a", [NOTES])
    conversation.answered("b", "m", beside=[Reasoning("One.\n\nTwo."), CALL])
    assert conversation.markdown() == (
        "**You**\n\n*attached: notes.txt (9 characters)*\n\na\n\n---\n\n"
        '**m**\n\n> *thought:*\n>\n> One.\n>\n> Two.\n\nb\n\n    weather {"city": "Paris"}\n'
    )
