"""Several sites play every turn once between them, and their tables add up."""

import random
import time
from collections import Counter

from tests.chaos.report import Report
from tests.chaos.tally import Tally
from tests.chaos.turns import Share, turns

THINGS = ["worker", "agent", "host"]


def played(share: Share, count: int) -> tuple[Report, list[str]]:
    report = Report("a proof", 5, count)
    return report, list(turns(report, share, random.Random(5), THINGS, count))


def test_together_they_play_each_thing_as_often_as_the_others() -> None:
    shares = [played(Share(site, 4), 12)[1] for site in range(4)]
    assert [len(share) for share in shares] == [3, 3, 3, 3]
    assert Counter(thing for share in shares for thing in share) == dict.fromkeys(THINGS, 4)


def test_one_site_plays_all_in_the_order_of_its_seed() -> None:
    report, alone = played(Share(), 6)
    assert alone == played(Share(), 6)[1]
    assert (report.played, report.round) == (6, 6)


def test_no_turn_begins_when_time_is_up_and_the_report_says_how_many_did() -> None:
    report, none = played(Share(until=time.monotonic()), 6)
    assert none == []
    assert "0 of 6 rounds" in report.text()


def test_what_two_sites_saw_adds_up() -> None:
    cells = [("worker", "idle"), ("host", "idle")]
    one, other = (Report("a proof", 5, 4) for _ in range(2))
    for report, seconds in ((one, 0.1), (other, 0.3)):
        report.tally = Tally(cells)
        report.tally.count("host", "idle")
        report.tally.heard("host", "idle", seconds)
        report.took("an end", seconds, 0.2)
        report.outcomes["done"] += 1
    one.add(other)
    assert one.tally.fields() == {"worker": {"idle": (0, None)}, "host": {"idle": (2, 0.3)}}
    assert one.tally.lines() == ["        idle", "worker  0", "host    2, 0.300 s"]
    assert (one.times["an end"], len(one.broken), one.outcomes["done"]) == ([0.1, 0.3], 1, 2)
