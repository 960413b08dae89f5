"""What of a crash can be told without telling what was asked."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.server.nodes.crash_lines import without_content

SECRET = "the-canary-91"
HARMLESS = (
    "Traceback (most recent call last):",
    '  File "/usr/lib/python3.11/json/decoder.py", line 355, in raw_decode',
    '  File "<frozen runpy>", line 198 in _run_module_as_main',
    "Fatal Python error: Segmentation fault",
    "Current thread 0x00007f1c2b7fe6c0 (most recent call first):",
    "terminate called after throwing an instance of 'std::out_of_range'",
    "/workspace/thirdparty/llama.cpp/ggml/src/ggml.c:1234: GGML_ASSERT(a->ne[0] == b->ne[0]) failed",
    "thread '<unnamed>' panicked at parser/src/lib.rs:12:5:",
    "free(): invalid pointer",
    "double free or corruption (!prev)",
    "*** stack smashing detected ***: terminated",
    "CUDA error: out of memory",
)
CUT = {
    f"ValueError: no rule for {SECRET}": "ValueError",
    f"jinja2.exceptions.TemplateError: {SECRET}": "jinja2.exceptions.TemplateError",
    f"/src/llama.cpp/common/chat.cpp:77: tokenize failed: {SECRET}": "/src/llama.cpp/common/chat.cpp:77:",
}
DROPPED = (
    f"parse: error parsing grammar: expecting newline or end at {SECRET}",
    f'root ::= "{SECRET}"',
    f"  what():  {SECRET}",
    f"    raise ValueError({SECRET!r})",
    f'  File "{SECRET}", line 3, in {SECRET}',
    f"thread '{SECRET}",
    f"{SECRET}: GGML_ASSERT({SECRET}) failed",
    f"llg error: {SECRET}",
    f'{{"level": "error", "event": "{SECRET}"}}',
)


@pytest.mark.parametrize("line", HARMLESS)
def test_what_is_always_of_the_program_stays(line: str) -> None:
    assert without_content(line) == line


@pytest.mark.parametrize("line", CUT)
def test_of_what_goes_on_with_words_the_beginning_stays(line: str) -> None:
    assert without_content(line) == CUT[line]


@pytest.mark.parametrize("line", DROPPED)
def test_all_else_is_dropped(line: str) -> None:
    assert without_content(line) == ""


@given(st.text(), st.text())
def test_nothing_of_what_was_asked_stays(before: str, after: str) -> None:
    assert SECRET not in without_content(f"{before}{SECRET}{after}")
