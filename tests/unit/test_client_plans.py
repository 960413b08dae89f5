"""What the scripted model of scripts/clients says."""

from typing import Any

import pytest

from scripts.client_runs.plans import SIDE, Call, Plan, said

READ, EDIT = Call("read", {"path": "a"}), Call("edit", {"path": "a", "text": "b"})
PLAN = Plan((READ, EDIT), "Done.")
NUMBER = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}


def asked(*offered: str, made: int = 0, **more: Any) -> dict[str, Any]:
    turns: list[dict[str, Any]] = [{"role": "user", "content": "Add it"}]
    turns += [{"role": "assistant", "tool_calls": [{}]}, {"role": "tool", "content": "ok"}] * made
    tools = [{"type": "function", "function": {"name": name, "parameters": NUMBER}} for name in offered]
    return {"messages": turns, **({"tools": tools} if tools else {}), **more}


@pytest.mark.parametrize(("made", "expected"), [(0, (READ,)), (1, (EDIT,)), (2, "Done.")])
def test_calls_follow_each_other_and_end_in_a_sentence(made: int, expected: object) -> None:
    assert said(asked("edit", "read", made=made), PLAN) == expected


def test_calls_of_one_turn_are_made_together_where_they_are_offered() -> None:
    plan = Plan((READ, EDIT), "Done.", beside=(Call("look", {}),))
    assert said(asked("edit", "read", "look"), plan) == (READ, Call("look", {}))
    assert said(asked("edit", "read"), plan) == (READ,)
    assert said(asked("edit", "read", "look", made=1), plan) == (EDIT,)


def test_what_is_asked_beside_the_task_gets_a_short_text() -> None:
    assert said(asked(), PLAN) == SIDE


def test_a_tool_that_is_not_offered_is_not_called() -> None:
    assert said(asked("write"), PLAN) == SIDE


def test_a_form_that_is_asked_for_is_kept() -> None:
    form = {"type": "json_schema", "json_schema": {"schema": NUMBER}}
    assert said(asked(response_format=form), PLAN) == '{"n":0}'


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "answer"}}])
def test_a_call_that_has_to_be_made_is_made(choice: object) -> None:
    assert said(asked("look", "answer", tool_choice=choice), PLAN) == (Call("answer", {"n": 0}),)


def test_a_plan_without_calls_is_its_end() -> None:
    assert said(asked(), Plan(end="an edit")) == "an edit"
