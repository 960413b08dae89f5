"""The tiers of everyday prompts that the table never learned from."""

from collections import Counter

from ai_pal.server.router.complexity import score
from scripts.complexity import everyday

HELD_OUT = [row for row in everyday.load() if row.held_out]


def test_there_are_many_kinds_and_languages() -> None:
    rows = everyday.load()
    assert len(rows) >= 300
    assert len({row.prompt for row in rows}) == len({row.id for row in rows}) == len(rows)
    assert len({row.kind for row in rows}) == 12
    assert min(Counter(row.language for row in rows).values()) >= 60
    assert len(Counter(row.language for row in rows)) == 5
    assert 0.45 < len(HELD_OUT) / len(rows) < 0.55


def test_nine_of_ten_held_out_prompts_land_in_their_tier_and_none_two_off() -> None:
    off = Counter(abs(row.tier - everyday.tier_of(score(row.prompt))) for row in HELD_OUT)
    assert off[0] / len(HELD_OUT) >= 0.9
    assert off[2] == 0


def test_no_language_is_left_behind() -> None:
    for language in {row.language for row in HELD_OUT}:
        rows = [row for row in HELD_OUT if row.language == language]
        right = sum(row.tier == everyday.tier_of(score(row.prompt)) for row in rows)
        assert right / len(rows) >= 0.8, language
