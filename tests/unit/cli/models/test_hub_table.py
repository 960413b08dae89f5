"""Models of the hub for people: no name is cut, whatever the width."""

from ai_pal.cli.models.hub_table import hub_table, short
from ai_pal.protocol.hub import HubModel

LONG = "bartowski/Meta-Llama-3.1-8B-Instruct-GGUF:Q4_K_M"
MODEL = HubModel(
    LONG, "llamacpp", size=4_600_000_000, parameters=8_030_000_000, downloads=1_234_567, licence="llama3.1"
)


def test_a_pipe_gets_a_table() -> None:
    head, row = hub_table([(MODEL, "now")], None).splitlines()
    assert head.split()[-1] == "FITS"
    assert row.split() == [LONG, "4.6", "GB", "8.0B", "1.2M", "llama3.1", "now"]


def test_a_terminal_of_80_columns_gets_all_of_it_in_two_lines() -> None:
    name, facts = hub_table([(MODEL, "now")], 80).splitlines()
    assert name == LONG
    assert facts == "  4.6 GB  8.0B weights  1.2M downloads  llama3.1  fits now"


def test_large_numbers_are_short() -> None:
    assert [short(n) for n in (0, 7, 1500, 134_515_008, 30 * 10**9)] == ["-", "7", "1.5K", "134M", "30.0B"]
