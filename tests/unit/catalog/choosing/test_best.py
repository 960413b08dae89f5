"""The best model for a machine: several machines, and why no better one."""

import pytest

from ai_pal.catalog import CATALOG
from ai_pal.catalog.choosing.best import LADDER, best, ladder
from ai_pal.catalog.choosing.gpus import largest
from ai_pal.catalog.choosing.host import Gpu, Host
from ai_pal.catalog.choosing.speed import tokens_per_second
from ai_pal.catalog.known.model import KnownModel, Variant

GB = 1_000_000_000
LLAMA = frozenset({"llamacpp"})
LAPTOP = Host(16 * GB, 8, 45e9, 200 * GB, LLAMA)


def host(**changes: object) -> Host:
    return LAPTOP._replace(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("machine", "name", "reason"),
    [
        (host(), "gemma4:12b", "gemma4:26b, needs 28.2 GB of memory, and 16.0 GB are here"),
        (host(bandwidth=20e9), "qwen3.5:4b", "qwen3.5:9b, would write 2.9 tokens a second"),
        (host(memory=8 * GB), "qwen3.5:2b", "qwen3.5:4b, needs 6.5 GB of memory, and 8.0 GB are here"),
        (host(memory=4 * GB), "qwen3.5:0.8b", "qwen3.5:2b, needs"),
        (host(memory=64 * GB), "qwen3.6:35b", "qwen3.6:27b, would write 2.4 tokens"),
        (host(memory=128 * GB, cores=64, bandwidth=400e9), "qwen3.6:27b", "the best one that AI-PAL knows"),
        (host(disk=8 * GB), "qwen3.5:2b", "needs 3.6 GB of the disk, and 8.0 GB are free"),
        (host(cores=2, bandwidth=40e9), "qwen3.5:4b", "qwen3.5:9b, would write"),
    ],
    ids=["laptop", "slow memory", "8 GB", "4 GB", "much memory", "server", "full disk", "2 cores"],
)
def test_each_machine_gets_what_it_holds_and_what_is_quick_there(
    machine: Host, name: str, reason: str
) -> None:
    found = best(ladder(), machine)
    assert found is not None
    assert (found.entry.name, reason in found.reason) == (name, True), found


@pytest.mark.parametrize("machine", [host(memory=1 * GB), host(disk=5 * GB), host(installed=frozenset())])
def test_a_machine_that_holds_none_is_offered_none(machine: Host) -> None:
    assert best(ladder(), machine) is None


def test_a_card_that_holds_the_model_makes_it_quick() -> None:
    card = Gpu("a card", 48 * GB, 900e9)
    found = best(ladder(), host(memory=64 * GB, gpu=card))
    assert found is not None
    assert found.entry.name == "qwen3.6:27b"
    assert found.speed > 30
    small = best(ladder(), host(memory=64 * GB, gpu=card._replace(memory=8 * GB)))
    assert small is not None
    assert small.entry.name == "qwen3.6:35b"


def test_the_ladder_has_free_models_for_conversations_only() -> None:
    assert len(set(LADDER)) == len(LADDER)
    for entry in ladder():
        assert entry.chats
        assert not entry.gated
        assert entry.licence in ("Apache-2.0", "MIT")
        assert len(entry.variants) == 1


def test_speeds_are_near_those_that_were_measured() -> None:
    """docs/benchmarks.md: two cores, of which each takes in all that it can."""
    machine = host(cores=2, bandwidth=60e9)
    coder = KnownModel("c", "", (Variant("q4_k_m", "llamacpp", size=1_117_000_000),))
    assert tokens_per_second(coder, coder.variants[0], machine) == pytest.approx(21.7, rel=0.1)
    starter = CATALOG["smollm2"]
    assert tokens_per_second(starter, starter.variants[0], machine) == pytest.approx(97.2, rel=0.15)


def test_of_a_mixture_only_the_active_part_is_read_for_each_token() -> None:
    whole, part = CATALOG["qwen3.6:27b"], CATALOG["qwen3.6:35b"]
    speeds = [tokens_per_second(entry, entry.variants[0], LAPTOP) for entry in (whole, part)]
    assert speeds[1] > 5 * speeds[0]


def test_of_several_cards_the_largest_counts() -> None:
    said = "NVIDIA T4, 15360\nNVIDIA H200, 143771\nNo devices were found\n"
    assert largest(said) == Gpu("NVIDIA H200", 143771 << 20, 250e9)
    assert largest("") is None
