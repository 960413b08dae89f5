"""What a program is called where others look on."""

import pytest

from ai_pal.client.program import program


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/usr/bin/ai-pal", "chat", "a secret"], "ai-pal chat"),
        (["/lib/ai_pal/__main__.py", "ps", "--watch"], "ai-pal ps"),
        (["/usr/bin/ai-pal", "-V"], "ai-pal"),
        (["/lib/ai_pal/gateway/__main__.py", "--listen", "x"], "gateway"),
        (["report.py", "secret"], "report.py"),
        (["-c"], "python"),
        ([""], "python"),
        ([], "python"),
    ],
)
def test_it_is_known_by_its_name_and_never_by_what_it_asks(argv: list[str], name: str) -> None:
    assert program(argv) == name
