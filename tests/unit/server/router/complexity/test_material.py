"""A question about a text is as hard as the question, and a little harder with more text."""

from ai_pal.server.router.complexity import score
from ai_pal.server.router.complexity.material import read_prompt

TEXT = (
    "The committee analysed the architecture of the old mill and proposed a rigorous design for its repair. "
    "Engineers developed a plan, evaluated the foundations, and proved that the walls would hold. The owner, "
    "who had built the first wheel himself, asked them to explain each step to the town. "
)
QUESTION = "Who built the first wheel of the mill?"


def test_the_text_is_no_task() -> None:
    for prompt in (
        f"{TEXT * 2}\n\n{QUESTION}",
        f"{QUESTION}\n\n{TEXT * 2}",
        f"{TEXT * 2} Question: {QUESTION}",
    ):
        assert QUESTION in read_prompt(prompt).question
        assert "committee" not in read_prompt(prompt).question
        assert score(QUESTION) < score(prompt) < 0.5


def test_more_of_it_is_harder_but_little() -> None:
    few, many = (score(f"{TEXT * times}\n\n{QUESTION}") for times in (2, 8))
    assert few < many < few + 0.2


def test_what_says_how_something_shall_be_made_is_read() -> None:
    for asked in ("Design a system for this mill:", "Can you prove the claim below?"):
        assert "committee" in read_prompt(f"{asked}\n\n{TEXT * 2}").question


def test_tables_lists_and_programs_are_read() -> None:
    table = "\n".join(f"Company {n}: revenue {n * 17}, profit {n * 3}, 202{n}" for n in range(9))
    for rest in (table * 2, "- one thing\n- another\n" * 20, "x = frob(y)\n" * 40):
        assert rest[:9] in read_prompt(f"Which one is the best?\n\n{rest}").question
