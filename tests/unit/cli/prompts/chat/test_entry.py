"""What was entered: a command or a prompt."""

import pytest

from ai_pal.cli.prompts.chat.entry import Command, is_open_block, nearest, parse


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("hello", "hello"),
        ("  hello \n", "hello"),
        ("/help", Command("help", "")),
        ("/MODEL echo?slots=1", Command("model", "echo?slots=1")),
        ("/system be\nbrief", Command("system", "be\nbrief")),
        ("/bye", Command("exit", "")),
        ("/?", Command("help", "")),
        ("exit", Command("exit", "")),
        (" Quit ", Command("exit", "")),
        ("quit smoking", "quit smoking"),
        ("/etc/passwd holds what?", "/etc/passwd holds what?"),
        ("/", "/"),
        ('"""\na\n\nb\n"""', "a\n\nb"),
        ('"""a"""', "a"),
        ("", ""),
    ],
)
def test_parse(entry: str, expected: object) -> None:
    assert parse(entry) == expected


@pytest.mark.parametrize(
    ("text", "is_open"),
    [("a", False), ('"""', True), ('"""a', True), ('"""\na\n"""', False), ('"""a"""', False), ('""', False),
     ('a """ b', False), ('"""""', True), ('""""""', False)],
)  # fmt: skip
def test_a_block_is_open_until_its_second_quotes(text: str, is_open: bool) -> None:
    assert is_open_block(text) is is_open


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("hlep", "help"), ("sta", "stats"), ("exi", "exit"), ("goal", ""), ("zzz", "")],
)
def test_the_nearest_command_is_suggested(typed: str, meant: str) -> None:
    assert nearest(typed, ["help", "local", "save", "stats", "exit"]) == meant
