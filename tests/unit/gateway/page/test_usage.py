"""Usage as the page shows it: sums, and days with the part of each model."""

import time

from ai_pal.config.tables import RouterSettings
from ai_pal.gateway.page.plots import Bar, bars
from ai_pal.gateway.page.usage import doubted, used
from ai_pal.store.doubts import Calibration, ModelDoubts, Seen
from ai_pal.store.ledger import Attempt
from tests.memory_ledger import MemoryLedger

NOW = 1_700_000_000.0


def ledger(*attempts: tuple[str, int, float]) -> MemoryLedger:
    """Answers: the model, its tokens, and how many days ago."""
    found = MemoryLedger()
    for model, tokens, ago in attempts:
        remote = ":" in model
        provider, _, name = model.rpartition(":")
        found.record(
            [
                Attempt(
                    at=NOW - 86_400 * ago,
                    request="r",
                    tier=3 if remote else 1,
                    provider=provider or "local",
                    model=name,
                    outcome="done",
                    prompt_tokens=tokens,
                    cost=0.5 if remote else 0.0,
                    remote=remote,
                )
            ]
        )
    return found


def test_each_model_has_its_part_of_each_day() -> None:
    told = used(ledger(("a", 10, 0), ("a", 5, 1), ("cloudy:b", 20, 1)), NOW)
    assert (told["answers"], told["left"], told["tokens"], told["cost"]) == (3, 1, 35, 0.5)
    answers, tokens, paid, left = told["plots"]
    assert [plot["title"] for plot in told["plots"]] == [
        "Answers by day",
        "Tokens by day and model",
        "US dollars by day and model",
        "Prompts that left this machine by day and model",
    ]
    assert tokens["key"] == [("share-1", "a"), ("share-2", "cloudy:b")]
    day = time.strftime("%Y-%m-%d", time.localtime(NOW - 86_400))
    assert f"<title>{day}: tokens: a 5, cloudy:b 20</title>" in tokens["svg"]
    assert f"<title>{day}: answers: on this machine 1, elsewhere 1</title>" in answers["svg"]
    assert f"<title>{day}: US dollars: cloudy:b 0.5</title>" in paid["svg"]
    assert f"<title>{day}: prompts that left: cloudy:b 1</title>" in left["svg"]


def test_models_that_were_used_less_are_one_series() -> None:
    models = [("m" * at, 10, 0.0) for at in range(1, 7)]
    told = used(ledger(*models, *models[:4]), NOW)
    tokens = told["plots"][1]
    assert [name for _, name in tokens["key"]] == ["m", "mm", "mmm", "mmmm", "others"]
    assert "mmmm 20, others 20" in tokens["svg"]


def test_a_day_is_as_high_as_what_stands_on_it_and_names_do_nothing() -> None:
    drawn = bars([Bar("01-01", (1, 3), "<script>"), Bar("01-02", (0, 2), "b")], "<b>", ["x", "y"])
    assert "<script>" not in drawn
    assert "<b>" not in drawn
    assert drawn.count('class="x"') == 1
    assert 'class="y" x="13.7" y="0.0" width="64.0" height="99.0"' in drawn


def test_where_nothing_was_answered_nothing_is_plotted() -> None:
    assert used(ledger(), NOW)["plots"] == []


def test_what_answers_have_taught_of_doubts_is_told_without_the_place_of_files() -> None:
    seen = {"open": Seen(whole=[1.0] * 20, good=2, bad=1)}
    known = {"llamacpp /home/me/qwen\x1b.gguf 1-2": ModelDoubts(Calibration(0.81, 150), 40.0, seen)}
    told = doubted(known, RouterSettings(escalate="auto", escalate_share=0.3, learn=True))
    assert (told["escalate"], told["share"], told["learns"]) == ("auto", 0.3, True)
    row = {"kind": "open", "answers": 20, "good": 2, "bad": 1, "verdict": "yes (0.81)"}
    assert told["models"] == [{"model": "qwen\u241b.gguf", **row}]
