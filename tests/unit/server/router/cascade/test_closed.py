"""Which prompts have a probe: those that want one of a few answers, or a word."""

import pytest

from ai_pal.server.router.cascade.closed import LEAD, closed

OPTIONS = "Which gas do plants take in?\nA. oxygen\nB. carbon dioxide\nC. helium\nD. neon\nAnswer:"


@pytest.mark.parametrize(
    ("prompt", "letters"),
    [
        (OPTIONS, "ABCD"),
        (OPTIONS.replace("Answer:", "Explain your choice."), "ABCD"),
        ("Was stimmt?\n(A) Ja, immer\n(B) Nein, nie", "AB"),
        ("Pick one: a) red b) green c) blue", "abc"),
        ("Choose.\n- **A)** one\n- **B)** two\n- **C)** three", "ABC"),
    ],
)
def test_options_are_recognised_with_their_letters(prompt: str, letters: str) -> None:
    found = closed(prompt)
    assert found is not None
    assert found.kind == "options"
    assert found.probe.among == list(letters)
    assert found.probe.lead == LEAD


@pytest.mark.parametrize(
    ("prompt", "kind"),
    [
        ("Is the earth flat?", "yes_no"),
        ("Does iron rust? Answer yes or no.", "yes_no"),
        ("Water boils at 90 degrees. True or false?", "yes_no"),
        ("Ist Wien die Hauptstadt von Österreich?", "yes_no"),
        ("Est-ce que la Lune a une atmosphère ?", "yes_no"),
        ("How many legs does a spider have?", "number"),
        ("What is 17 * 23?", "number"),
        ("12 + 30 =", "number"),
        ("When was Goethe born?", "number"),
        ("In welchem Jahr fiel die Berliner Mauer?", "number"),
        ("A train travels 120 km in 2 hours. How far does it go in 5 hours?", "number"),
        ("Who wrote Hamlet?", "name"),
        ("What is the capital of France?", "name"),
        ("Which planet is closest to the sun?", "name"),
        ("Wer hat die Relativitätstheorie aufgestellt?", "name"),
        ("¿Cuál es la capital de Perú?", "name"),
        ("Name the largest ocean.", "name"),
        ("Who wrote Faust? Answer with the name only.", "name"),
        ("What is 3 + 4? Just the number, please.", "number"),
    ],
)
def test_what_wants_one_word_is_closed(prompt: str, kind: str) -> None:
    found = closed(prompt)
    assert found is not None
    assert found.kind == kind


@pytest.mark.parametrize(
    "prompt",
    [
        "",
        "Hello!",
        "Why is the sky blue?",
        "Explain how vaccines work.",
        "Write a poem about the sea.",
        "Can you write a haiku?",
        "Who are you?",
        "Is tea or coffee better?",
        "What is the difference between TCP and UDP?",
        "How do I sort a list in Python?",
        "Which is better, vim or emacs, and why?",
        "Summarise this:\nA. Smith wrote a book.\nIt was long.",
        "Fix this code:\n1. x = 1\n2. print(y)",
        "What are the advantages of solar power?",
        "Who won, and how did they do it? What came next?",
        "Tell me about the Roman empire.",
    ],
)
def test_what_wants_more_is_open(prompt: str) -> None:
    assert closed(prompt) is None


def test_a_long_prompt_is_read_at_its_ends() -> None:
    assert closed("word " * 100_000) is None
    found = closed("word " * 100_000 + "\n" + OPTIONS)
    assert found is not None
    assert found.kind == "options"
