"""Runs named checks one after the other, in the environment of the libraries. What fails is said with its
traceback, and makes the exit code 1."""

import os
import sys
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

URL, MODEL = os.environ["GATEWAY"], os.environ["MODEL"]
KEY = "none"
EMBEDS = "echo"
"""A model of AI-PAL's own: the scripted ones make no vectors."""
WORDS, END = os.environ["WORDS"], os.environ["END"]
"""What the scripted model says: to a plain question, and behind the call of a tool."""


def run(checks: Mapping[str, Callable[[], None]]) -> int:
    failed = []
    for name, holds in checks.items():
        try:
            holds()
        except Exception as error:  # noqa: BLE001 (whatever a library raises)
            traceback.print_exc()
            failed.append(f"{name}: {type(error).__name__}: {error}")
        print(f"{name}: {'failed' if failed and failed[-1].startswith(f'{name}: ') else 'ok'}", flush=True)
    print("; ".join(failed) or f"all {len(checks)} hold", flush=True)
    return 1 if failed else 0


def same(found: object, wanted: object) -> None:
    """Fails with both where they differ."""
    if found != wanted:
        raise AssertionError(f"{found!r} is not {wanted!r}")


def weather(city: str) -> str:
    """The weather in a city."""
    return f"It rains in {city}."


def clock(city: str) -> str:
    """The time in a city."""
    return f"It is noon in {city}."


def main(checks: Mapping[str, Callable[[], None]]) -> None:
    sys.exit(run(checks))


def checks_over(
    protocols: Mapping[str, Callable[[], Any]], checks: Mapping[str, Callable[[Any], None]]
) -> dict[str, Callable[[], None]]:
    """Each check of each protocol, with a model that is made for it."""

    def asked(check: Callable[[Any], None], model: Callable[[], Any]) -> None:
        check(model())

    return {
        f"{protocol}: {name}": partial(asked, check, model)
        for protocol, model in protocols.items()
        for name, check in checks.items()
    }


def main_over(
    protocols: Mapping[str, Callable[[], Any]], checks: Mapping[str, Callable[[Any], None]]
) -> None:
    main(checks_over(protocols, checks))
