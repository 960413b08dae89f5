"""What becomes of a line that a worker wrote."""

import pytest

from ai_pal import logs


@pytest.mark.parametrize(
    "line",
    ['{"self": 1}', '{"method_name": 1}', "{}", '{"a": ' + "[" * 100_000, "Loading weights"],
    ids=["self", "method_name", "nothing", "too deep", "words"],
)
def test_what_our_own_code_does_not_write_is_output_of_the_engine(line: str) -> None:
    assert logs.worker_line(line) == (10, "engine_output", {"line": line})
    level, event, fields = logs.worker_line(line)
    logs.get_logger("worker").log(level, event, **fields | {"worker": "w", "model": "m"})


def test_what_our_own_code_writes_keeps_its_level_and_its_fields() -> None:
    line = '{"level": "warning", "event": "slow", "seconds": 3}'
    assert logs.worker_line(line) == (30, "slow", {"seconds": 3})
