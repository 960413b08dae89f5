"""Where grammars go wrong; `tests/contract/test_llamacpp_answers.py` asks llama.cpp about the same ones."""

import pytest

from workers.structured.gbnf import fault_of

WRONG = {
    'root ::= "yes': 'line 1, column 10: this has no " at its end',
    'root ::= "a"\nb ::= [a-': "line 2, column 7: this has no ] at its end",
    "root ::= root": "line 1, column 1: the rule root begins with itself",
    'root ::= a\na ::= b "x"\nb ::= a? "y"': "line 2, column 1: the rule a begins with itself",
    'root ::= "x"* root': "line 1, column 1: the rule root begins with itself",
    'root ::= "a" b': "line 1, column 14: there is no rule b",
    'root = "a"': "line 1, column 6: ::= is expected behind the name of a rule",
    'root ::= "a" )': "line 1, column 14: the end of the line is expected",
    'root ::= ("a"': "line 1, column 14: ) is expected",
    'root ::= * "a"': "line 1, column 10: there is nothing before * that could be repeated",
    'root ::= "\\q"': "line 1, column 11: this escape is not known",
    'root ::= "a"{,3}': "line 1, column 13: a number of repetitions as in {2}, {2,} or {2,5} is expected",
    'a ::= "x"': "line 1, column 10: there is no rule root, with which an answer begins",
    '::= "a"': "line 1, column 1: the name of a rule is expected",
    'root ::= "a" # c\n  | "b"\n': "line 2, column 3: the name of a rule is expected",
    'root ::= "a"\n\n  b': "line 3, column 4: ::= is expected behind the name of a rule",
    "root ::= a_b": "line 1, column 11: the end of the line is expected",
    "root ::= <[5>": "line 1, column 10: a token as in <[17]> or <name> is expected",
}
RIGHT = (
    'root ::= "a" | | "b"',
    "root ::= ",
    'root ::= (a | "x")* "y"\na ::= [^"\\\\] . <[5]>',
    'root ::= "a" root "b" | "c"',
    "root ::= [\\]]",
    'root ::= "a"{2, 5} b{0,} \nb::="x"',
    'root ::= ("a" |\n "b")\n',
    'root ::= "é"+ [\u0430-\u044f]*\r\n# the end',
)


@pytest.mark.parametrize("grammar", WRONG)
def test_the_place_is_told_with_what_is_wanted_there(grammar: str) -> None:
    assert fault_of(grammar) == WRONG[grammar]


@pytest.mark.parametrize("grammar", RIGHT)
def test_nothing_is_found_where_nothing_is_wrong(grammar: str) -> None:
    assert fault_of(grammar) == ""


def test_a_grammar_that_is_nested_without_end_ends() -> None:
    assert fault_of("root ::= " + "(" * 100_000) == "its groups are nested too deep"
