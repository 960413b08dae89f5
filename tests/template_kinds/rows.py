"""Rows of the table: what differs between the engines, for one kind of template."""

from collections.abc import Callable
from pathlib import Path

from tests.template_kinds.engines import LlamaCppSide, Outcome, TransformersSide
from tests.template_kinds.kind import Kind
from tests.template_kinds.named import KINDS
from tests.template_kinds.shapes import SEEING, SHAPES, options, user
from tests.template_kinds.speaking import answers


def compare_prompts(kind: Kind, folder: Path) -> list[str]:
    """The shapes of conversations that are not the same to both; none, where all is well."""
    llama, transformers = LlamaCppSide(kind, folder), TransformersSide(kind)
    try:
        shapes = SHAPES | SEEING if kind.picture else SHAPES
        both = {name: (llama.prompt(asked), transformers.prompt(asked)) for name, asked in shapes.items()}
    finally:
        llama.close()
    differ = [f"{name}: {one}, {other}" for name, (one, other) in both.items() if one != other]
    only = llama.abilities ^ transformers.abilities
    return differ + ([f"abilities: {only}"] if only else [])


def compare_answers(kind: Kind, folder: Path, *only: str) -> list[str]:
    """The answers that either takes for something else than what they are, of all or of those that are named;
    "last" is the one that has most in it."""
    asker = TransformersSide(kind)
    switched = kind.thoughts is not None and bool(kind.thoughts.switch)
    opened = _opens(kind, asker.prompt(([user()], options(thinking="on" if switched else None))))
    differ: list[str] = []
    spoken_by = answers(kind, opened)
    last = list(spoken_by)[-1]
    for name in [last if one == "last" else one for one in only] or spoken_by:
        spoken = spoken_by[name]
        asked = [user()], spoken.options
        read = asker.prompt(asked)
        expected = ("tool_calls" if spoken.parts[-1][0] == "tool_call" else "stop", spoken.parts)
        llama = LlamaCppSide(kind, folder, spoken.text, read[-1])
        try:
            found = llama.answer(asked), TransformersSide(kind, spoken.text).answer(asked)
        finally:
            llama.close()
        differ += [f"{name}: {one}, not {expected}" for one in found if one != expected]
    return differ


def one_of_each_form() -> list[str]:
    """Kinds of which each has thoughts or calls of a form that no other of them has."""
    return _new_in(lambda kind: (_form_of_thoughts(kind), kind.calls and kind.calls.each))


def one_of_each_rule() -> list[str]:
    """Kinds of which each has a form or a rule that no other of them has."""

    def rules(kind: Kind) -> tuple[object, ...]:
        rule = (
            kind.place,
            bool(kind.alternates),
            bool(kind.default),
            kind.content,
            bool(kind.tools),
            bool(kind.picture),
        )
        return _form_of_thoughts(kind), kind.calls and kind.calls.each, rule

    return _new_in(rules)


def _form_of_thoughts(kind: Kind) -> object:
    thoughts = kind.thoughts
    return thoughts and (thoughts.open.strip(), thoughts.opened, bool(thoughts.switch))


def _new_in(what: Callable[[Kind], tuple[object, ...]]) -> list[str]:
    seen: set[object] = set()
    found = []
    for name, kind in KINDS.items():
        new = {one for one in what(kind) if one} - seen
        seen |= new
        found += [name] if new else []
    return found


def _opens(kind: Kind, read: Outcome) -> bool:
    """Whether the prompt ends with the mark of a thought."""
    text = "".join(read).replace("\u010a", "\n").replace("\u0120", " ").rstrip()
    return kind.thoughts is not None and text.endswith(kind.thoughts.open.rstrip())
