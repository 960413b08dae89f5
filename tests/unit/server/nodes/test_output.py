"""What a process writes, however it is cut into pieces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_pal.server.nodes.output import MAX_LINE, TAIL_LINES, Output

line = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=30)


@given(st.lists(line, max_size=10), st.data())
def test_lines_survive_any_cut(lines: list[str], data: st.DataObject) -> None:
    raw, seen = "\n".join(lines).encode(), list[str]()
    output = Output(seen.append)
    while raw:
        size = data.draw(st.integers(1, len(raw)))
        output.feed(raw[:size])
        raw = raw[size:]
    output.end()
    assert seen == lines
    assert output.tail() == "\n".join(lines[-TAIL_LINES:])


@pytest.mark.parametrize("size", [100, 65536])
def test_a_line_without_end_costs_a_bounded_amount_of_memory(size: int) -> None:
    seen: list[str] = []
    output = Output(seen.append)
    for _ in range(200):
        output.feed(b"x" * size)
    assert len(output._partial) <= MAX_LINE
    output.feed(b"\nshort\n")
    assert [len(text) for text in seen] == [MAX_LINE, 5]


def test_the_tail_keeps_the_last_lines_only() -> None:
    output = Output(lambda text: None)
    output.feed(b"".join(b"%d\n" % number for number in range(100)))
    assert output.tail().split("\n") == [str(number) for number in range(100 - TAIL_LINES, 100)]


def test_bytes_that_are_no_utf8_and_empty_lines_do_no_harm() -> None:
    seen: list[str] = []
    Output(seen.append).feed(b"\n\xff\xfe\n\n  \nok\r\n")
    assert seen == ["��", "ok"]


SERVES = '{"level": "debug", "event": "serving"}'
MARK = "5eb63bbbe01eeed0"
ASKED = (
    "parse: error parsing grammar: at the-canary-91",
    '{"event": "the-canary-91"}',
    "ValueError: the-canary-91",
)


def written(output: Output, *lines: str) -> None:
    output.feed("".join(f"{line}\n" for line in lines).encode())


def test_what_engines_write_is_kept_until_there_is_something_to_quote() -> None:
    seen: list[str] = []
    output = Output(seen.append, MARK)
    written(output, "unknown architecture: x", f"{MARK}{SERVES}", *ASKED)
    written(output, f'{MARK}{{"event": "a step failed"}}', f'half a line{MARK}{{"event": "more"}}')
    told = ["unknown architecture: x", SERVES, "ValueError"]
    told += ['{"event": "a step failed"}', '{"event": "more"}']
    assert seen == told
    told.remove(SERVES)  # no reason for an end
    assert output.tail().split("\n") == [*told, "(4 lines left out: they may hold what was asked)"]


def test_only_our_own_lines_say_that_a_process_serves() -> None:
    seen: list[str] = []
    written(Output(seen.append, MARK), '{"event": "serving"}', *ASKED)
    assert seen[1:] == [*ASKED]


def test_a_process_may_serve_from_its_start() -> None:
    seen: list[str] = []
    written(Output(seen.append, MARK, serves=True), *ASKED)
    assert seen == ["ValueError"]
