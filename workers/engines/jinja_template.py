"""A chat template as transformers has it rendered: Jinja2 in its sandbox, with what templates call there."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from workers.engines.template_limits import LONGEST_TEMPLATE, bounded

FAILURES = (
    TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    RuntimeError,
    SyntaxError,
    MemoryError,
)
"""What a template may end with: Jinja2's filters let through what Python says, and its compiler too."""


def words_of(failure: Exception) -> str:
    """What a template has failed with, in words: some have none."""
    return str(failure) or type(failure).__name__


class JinjaTemplate:
    """`specials` are the texts of tokens by their names (`bos_token`). Thread-safe; raises `FAILURES`."""

    def __init__(self, text: str, specials: Mapping[str, str]) -> None:
        if len(text) > LONGEST_TEMPLATE:
            raise ValueError("it is a very long one")
        self._template = _ENVIRONMENT.from_string(text)
        self._template.globals = dict(self._template.globals)  # each rendering walks through them
        self._specials = dict(specials)

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]] = (),
        variables: Mapping[str, Any] | None = None,
        *,
        begin: bool = True,
    ) -> str:
        """The prompt; `begin`: the answer is to begin behind it."""
        size = sum(len(str(one.get("content", ""))) for one in messages)
        given = {**self._specials, "documents": None, **(variables or {}), "tools": list(tools) or None}
        given |= {"messages": list(messages), "add_generation_prompt": begin}
        return bounded(size, lambda: self._template.render(given))


class _Generation(Extension):
    """`{% generation %}` marks what an assistant has said, for those who train."""

    tags = {"generation"}  # noqa: RUF012 - as Jinja2 declares it

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _OwnNamespace(Namespace):
    """Without names that begin with an underscore: those are Python's own."""

    def __setitem__(self, name: str, value: Any) -> None:
        _check(name)
        super().__setitem__(name, value)


class _Dictionary:
    """`dict`, of which templates see no more than this."""

    def __call__(self, *given: Any, **named: Any) -> dict[Any, Any]:
        return dict(*given, **named)

    def fromkeys(self, keys: Any, value: Any = None) -> dict[Any, Any]:
        return dict.fromkeys(keys, value)


def _check(name: str) -> None:
    if name.startswith("_"):
        raise SecurityError(f"a namespace has no place for {name!r}")


def _namespace(*given: Any, **named: Any) -> _OwnNamespace:
    for name in dict(*given, **named):
        _check(name)
    return _OwnNamespace(*given, **named)


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | str | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(
        value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys
    )


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().strftime(form)  # noqa: DTZ005 - the time of whoever asks


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols], cache_size=0
    )
    environment.filters["tojson"] = _tojson
    environment.globals |= {
        "raise_exception": _raise_exception,
        "strftime_now": _strftime_now,
        "dict": _Dictionary(),
        "namespace": _namespace,
    }
    return environment


_ENVIRONMENT = _environment()
