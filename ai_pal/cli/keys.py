"""`ai-pal keys set|list|rm`: providers' keys in the system keyring."""

import argparse
import os
import sys

from ai_pal.cli import failures
from ai_pal.cli.completing import completes
from ai_pal.cli.terminal.agreeing import add_yes, agreed
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings
from ai_pal.config import provider_access as access
from ai_pal.errors import Code, fail

EXAMPLES = """examples:
  ai-pal keys set openai                        asks for the key, which is not shown
  pass show openai | ai-pal keys set openai     reads it from standard input
  ai-pal keys list
  ai-pal keys rm openai

A key is never an argument: those are seen by everybody on this machine. Without a keyring set the environment
variable, such as OPENAI_API_KEY, and agree to its use: ai-pal consent openai.

"""

_LONGEST = 10_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list", json=False)
    put = actions.add_parser("set", help="put a key into the keyring; that is a yes to its use, too")
    whose = put.add_argument(
        "provider", metavar="PROVIDER", help="openai, anthropic, cohere, or another you set up"
    )
    completes(whose, "providers")
    show = actions.add_parser("list", help="tell where each provider's key is, and whether it may be used")
    show.add_argument("--json", action="store_true", help="print a JSON array")
    rm = actions.add_parser("rm", help="take a key out of the keyring")
    completes(rm.add_argument("provider", metavar="PROVIDER", help="whose key"), "providers")
    add_yes(rm)


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    if args.action == "list":
        return _list(settings, as_json=args.json)
    provider = known_provider(args.provider, settings)
    if args.action == "set":
        _set(provider)
    elif not agreed(f"take the key of {provider} out of the system keyring", yes=args.yes):
        return failures.FAILED
    else:
        _remove(provider)
    return failures.OK


def known_provider(name: str, settings: Settings, *more: str) -> str:
    """`name`, if there is such a cloud, or if it is one of `more`. Raises `AiPalError` (`bad_request`)."""
    known = dict.fromkeys((*access.CLOUDS, *settings.providers, *more))
    if name not in known:
        hint = f"known are {', '.join(known)}; more in [providers.NAME]"
        fail(Code.BAD_REQUEST, f"there is no provider {name!r}", hint)
    return name


def _set(provider: str) -> None:
    from ai_pal.config.provider_keys import store_key

    store_key(provider, _entered(provider))
    access.remember(provider, keyring=True, consent=None)
    print(neutral_line(f"the key of {provider} is in the system keyring and may be used"))
    if variable := access.variable_in(provider, os.environ):
        print(f"{variable} is set too, and comes first", file=sys.stderr)


def _entered(provider: str) -> str:
    if sys.stdin.isatty():
        import getpass

        text = getpass.getpass(f"key of {neutral_line(provider)} (not shown): ", stream=sys.stderr)
    else:
        text = sys.stdin.read(_LONGEST + 1)
    key = text.strip()
    if not key or len(text) > _LONGEST or any(mark.isspace() or not mark.isprintable() for mark in key):
        fail(Code.BAD_REQUEST, "that is no key: one word is expected", f"ai-pal keys set {provider} < FILE")
    return key


def _remove(provider: str) -> None:
    from ai_pal.config.provider_keys import forget_key

    there = forget_key(provider)
    access.remember(provider, keyring=False)
    if not there:
        fail(Code.NO_KEY, f"the system keyring has no key of {provider}", "see: ai-pal keys list")
    print(neutral_line(f"the key of {provider} is gone from the system keyring"))


def _list(settings: Settings, *, as_json: bool) -> int:
    from ai_pal.cli.provider_table import listed, provider_table

    rows = listed(settings, os.environ)
    if as_json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json(rows)
    else:
        print(provider_table(rows))
    return failures.OK
