"""What was spent and saved, out of sums and prices."""

import msgspec
import pytest

from ai_pal.cli import run
from ai_pal.cli.records.usage_report import Clouds, cells, report, texts
from ai_pal.providers.prices import Price
from ai_pal.store.ledger import Spent, Sums, Tokens

CLOUDS = Clouds("openai:mid", Price(input=1.0, output=2.0), "openai:strong", Price(input=10.0, output=20.0))
MILLION = 1_000_000


def sums(
    key: str,
    *,
    here: int = 1,
    cost: float = 0.0,
    mid: Tokens | None = None,
    strong: Tokens | None = None,
    unpriced: int = 0,
) -> Sums:
    return Sums(
        key=key, attempts=3, answers=2, here=here, left=2 - here, tokens=Tokens(100, 50), cost=cost,
        mid=mid or Tokens(), strong=strong or Tokens(), unpriced=unpriced,
    )  # fmt: skip


def test_saved_is_what_the_same_tokens_cost_at_the_cloud_of_their_score() -> None:
    found = report(
        [sums("a", mid=Tokens(MILLION, MILLION)), sums("b", strong=Tokens(MILLION, 0))],
        Spent(),
        CLOUDS,
        "today",
    )
    assert [line.saved for line in found.lines] == [3.0, 10.0]
    assert found.saved == 13.0


def test_shares_and_sums_go_over_all_lines() -> None:
    found = report(
        [sums("a", here=2, cost=0.5), sums("b", here=0, cost=0.25)], Spent(0.1, 0.6), CLOUDS, "today"
    )
    assert (found.answers, found.here, found.left, found.spent) == (4, 0.5, 2, 0.75)
    assert (found.today, found.this_month) == (0.1, 0.6)


def test_what_went_no_further_than_to_machines_of_the_users_is_said() -> None:
    mine = msgspec.structs.replace(sums("a", here=0), left_to_mine=1)
    lines = texts(report([mine, sums("b", here=0)], Spent(), CLOUDS, "today"), "2026-01-31")
    assert "left this machine  4 times, 1 of them to machines of yours" in lines


def test_what_answers_instead_of_doubted_ones_cost_is_said() -> None:
    one = msgspec.structs.replace(sums("a"), doubted=1, doubted_cost=0.25)
    lines = texts(report([one, sums("b")], Spent(), CLOUDS, "today"), "2026-01-31")
    assert "doubted            1 answer of this machine gave way to another's for $0.25, 25%" in lines


def test_nothing_answered_has_no_share_and_is_said_in_words() -> None:
    found = report([], Spent(0.0, 2.5), CLOUDS, "today")
    assert found.here is None
    assert texts(found, "2026-01-31") == [
        "today              $0.00",
        "this month         $2.50",
        "nothing was asked since 2026-01-31",
    ]


def test_less_than_a_hundredth_of_a_cent_is_not_nothing() -> None:
    assert texts(report([sums("a", cost=1e-7)], Spent(), CLOUDS, "today"), "")[2].endswith("  <$0.0001")


def test_people_read_budgets_and_small_sums() -> None:
    found = report([sums("a", cost=0.00123)], Spent(0.00123, 2.5), CLOUDS, "today", (1.0, None))
    assert texts(found, "2026-01-31")[:3] == [
        "today              $0.0012 of $1.00",
        "this month         $2.50",
        "spent              $0.0012",
    ]
    assert cells(found.lines[0]) == ("a", "2", "1", "1", "100", "50", "$0.0012", "$0.00")


def test_what_nobody_knows_is_said_and_never_nothing() -> None:
    found = report([sums("a", cost=0.5, unpriced=2), sums("b", unpriced=1)], Spent(), CLOUDS, "today")
    assert found.unpriced == 3
    assert texts(found, "2026-01-31")[2].startswith(
        "spent              $0.50, and nobody knows what 3 answers cost"
    )
    assert [cells(line)[6] for line in found.lines] == ["$0.50 + ?", "?"]
    alone = report([sums("b", unpriced=1)], Spent(), CLOUDS, "today")
    assert texts(alone, "2026-01-31")[2].startswith("spent              nobody knows what 1 answer cost")


def test_a_comparison_with_a_cloud_of_unknown_price_is_none() -> None:
    clouds = Clouds("openai:mid", None, "openai:strong", Price(input=10.0, output=20.0))
    found = report([sums("a", mid=Tokens(1, 1)), sums("b", strong=Tokens(1, 1))], Spent(), clouds, "today")
    assert texts(found, "2026-01-31")[3].startswith(
        "saved              nobody knows how much against openai:mid"
    )
    assert [line.saved is None for line in found.lines] == [True, False]
    assert found.saved is None
    assert cells(found.lines[0])[7] == "?"


def test_a_plot_and_json_do_not_share_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["usage", "--json", "--plot", "-"]) == 2
    assert "--plot FILE.svg" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run(["usage", "--plot", "usage.png"])
    assert run(["usage", "--plot", "-"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("<svg")
    assert out.endswith("</svg>\n")
