"""The last line of `ai-pal doctor` agrees with those before it."""

import pytest

from ai_pal.cli.setup.doctor.command import summed_up
from ai_pal.cli.setup.doctor.finding import Finding, failed, ok, warn

FINE, MIDDLING, BAD = ok("a", "fine"), warn("b", "so so"), failed("c", "bad", "mend it")


@pytest.mark.parametrize(
    ("findings", "line"),
    [
        ([FINE, FINE], "nothing is wrong"),
        ([FINE, MIDDLING], "no check failed, 1 warning"),
        ([MIDDLING, MIDDLING], "no check failed, 2 warnings"),
        ([FINE, BAD], "1 of 2 checks failed"),
        ([BAD, MIDDLING, BAD], "2 of 3 checks failed, 1 warning"),
    ],
)
def test_warnings_are_counted(findings: list[Finding], line: str) -> None:
    assert summed_up(findings) == line
