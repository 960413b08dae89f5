"""What a cache takes by its kind, and which heads can be packed."""

import pytest

from ai_pal.formats.gguf import Header
from ai_pal.formats.kv_cache import cache_bytes, objection

LLAMA = Header("llama", "m", 4096, 1, kv_values=64, heads=(64, 64))


@pytest.mark.parametrize(("kind", "size"), [(None, 128), ("f16", 128), ("q8_0", 68), ("q4_0", 36)])
def test_a_number_takes_what_its_kind_says(kind: str | None, size: int) -> None:
    assert cache_bytes(LLAMA, 10, kind) == 10 * size


def test_heads_must_be_whole_blocks_where_there_is_a_cache() -> None:
    odd = Header("llama", "m", 4096, 1, kv_values=64, heads=(80, 64))
    assert objection(LLAMA, "q4_0") == ""
    assert "64 and 80" in objection(odd, "q8_0")
    assert objection(odd, "f16") == ""
    assert objection(Header("bert", "m", 512, 1, heads=(12, 12)), "q8_0") == ""
