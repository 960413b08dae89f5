"""What messages say in plain words."""

from ai_pal.protocol.content import Document, Image, Message, Reasoning, Text


def test_a_document_stands_apart_with_its_name() -> None:
    message = Message(
        "user", [Document('a "b"\n.txt', "Buy milk.\n"), Text("What is to do?"), Image("image/png")]
    )
    assert message.text == "<document name=\"a 'b' .txt\">\nBuy milk.\n</document>\n\nWhat is to do?"


def test_thoughts_are_not_said() -> None:
    assert Message("assistant", [Reasoning("Hm."), Text("Yes.")]).text == "Yes."
