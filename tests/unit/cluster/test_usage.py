"""When it is told what a worker has used."""

import pytest

from ai_pal.cluster.usage import TOLD_AGAIN, UsageNews
from ai_pal.server.nodes.base import ProcessUsage

MB = 1 << 20
USED = ProcessUsage(cpu=1.0, memory=90 * MB, read=5 * MB, private=50 * MB, peak=95 * MB)


def test_a_worker_that_only_beats_is_told_once_and_again_after_a_while() -> None:
    news = UsageNews()
    times = [
        now / 2
        for now in range(int(4 * TOLD_AGAIN))
        if news.is_news(ProcessUsage(1.0 + now / 1000, 90 * MB, 5 * MB, 50 * MB, 95 * MB), now / 2)
    ]
    assert times == [0.0, TOLD_AGAIN]


@pytest.mark.parametrize(
    "used",
    [
        ProcessUsage(1.2, 90 * MB, 5 * MB, 50 * MB),
        ProcessUsage(1.0, 91 * MB, 5 * MB, 50 * MB),
        ProcessUsage(1.0, 90 * MB, 6 * MB, 50 * MB),
        ProcessUsage(1.0, 90 * MB, 5 * MB, 49 * MB),
    ],
    ids=["computes", "grows", "reads", "gives back"],
)
def test_what_moves_a_load_or_is_another_amount_of_memory_is_told_at_once(used: ProcessUsage) -> None:
    news = UsageNews()
    assert news.is_news(USED, 0.0)
    assert not news.is_news(USED, 0.5)
    assert news.is_news(used, 1.0)


def test_small_steps_are_told_when_they_come_to_a_large_one() -> None:
    news = UsageNews()
    sizes = [50 * MB + step * 100_000 for step in range(9)]
    told = [size for size in sizes if news.is_news(ProcessUsage(1.0, 90 * MB, 0, size), 1.0)]
    assert told == [50 * MB, 50 * MB + 300_000, 50 * MB + 600_000]
