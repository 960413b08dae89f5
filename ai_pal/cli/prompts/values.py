"""What options of the command line take as their values, for argparse. No I/O."""

import argparse
import contextlib
from collections.abc import Callable
from typing import Any

from ai_pal.config.durations import NEVER, parse_duration
from ai_pal.protocol.option_rules import objection_to_value, read_value
from ai_pal.protocol.request_rules import objection_to_field, read_field


def duration(text: str) -> float:
    """Seconds; `never` is -1."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def deadline(text: str) -> float:
    """Seconds, some."""
    seconds = duration(text)
    if seconds == NEVER or seconds == 0:
        raise argparse.ArgumentTypeError("a deadline is longer than nothing; leave it out for none")
    return seconds


def pair(text: str) -> tuple[str, Any]:
    """`KEY=VALUE`, where the value may be JSON."""
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    import msgspec

    said: Any = value
    try:
        with contextlib.suppress(msgspec.DecodeError):
            said = msgspec.json.decode(value)
    except RecursionError:
        raise argparse.ArgumentTypeError(f"{key} is nested too deep to be read") from None
    _refuse(objection_to_value("extra", {key: said}))
    return key, said


def option(name: str) -> Callable[[str], Any]:
    """A parser of the values of this option of an answer, as `protocol.option_rules` has them."""

    def parse(text: str) -> Any:
        value = read_value(name, text)
        _refuse(objection_to_value(name, value))
        return value

    return parse


def field(name: str) -> Callable[[str], Any]:
    """The same of a field of requests, as `protocol.request_rules` has them."""

    def parse(text: str) -> Any:
        value = read_field(name, text)
        _refuse(objection_to_field(name, value))
        return value

    return parse


def stop(text: str) -> str:
    """A text that ends the answer."""
    _refuse(objection_to_value("stop", [text]))
    return text


def lora(text: str) -> str:
    """An adapter, which other processes find too."""
    _refuse(objection_to_value("lora", [text]))
    from ai_pal.formats.adapters import absolute

    return absolute(text)


def _refuse(why: str) -> None:
    if why:
        raise argparse.ArgumentTypeError(why)
