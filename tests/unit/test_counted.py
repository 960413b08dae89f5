"""Numbers of things in words."""

import pytest

from ai_pal.counted import counted


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 models"), (1, "1 model"), (2, "2 models"), (11, "11 models")]
)
def test_one_is_not_many(count: int, said: str) -> None:
    assert counted(count, "model") == said
