"""`ai-pal keys`: providers' keys in the system keyring, and keys for clients over HTTP."""

import argparse
import os
import sys
import time

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import add_yes, agreed
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, client_keys, load_settings
from ai_pal.config import provider_access as access
from ai_pal.config.durations import parse_duration
from ai_pal.config.tables import MOST_DOLLARS
from ai_pal.errors import Code, fail

EXAMPLES = """examples:
  ai-pal keys set openai                        asks for the key, which is not shown
  pass show openai | ai-pal keys set openai     reads it from standard input
  ai-pal keys rm openai
  ai-pal keys create laptop                     a key for a client of ai-pal serve; it is printed once
  ai-pal keys create guest --models 'smollm2*' 'qwen3*' --local-only --expires 30d
  ai-pal keys create box --mine                 for answers of this machine and of others of yours
  ai-pal keys create app --budget-day 0.50 > app.key
  ai-pal keys revoke guest                      counts from the next request on
  ai-pal keys list
  ai-pal keys list --json | jq -r '.clients[].name'

A provider's key is never an argument: those are seen by everybody on this machine. Without a keyring set the
environment variable, such as OPENAI_API_KEY, and agree to its use: ai-pal consent openai.
Of a client's key only a hash is kept. Once there is one, whoever asks ai-pal serve needs one, on this machine
too. What each has asked: ai-pal usage --by principal.

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
    show.add_argument("--json", action="store_true", help="print a JSON object")
    rm = actions.add_parser("rm", help="take a key out of the keyring")
    completes(rm.add_argument("provider", metavar="PROVIDER", help="whose key"), "providers")
    add_yes(rm)
    make = actions.add_parser("create", help="make a key for a client over HTTP, and print it")
    make.add_argument("name", metavar="NAME", help="whose it is: it stands in usage and logs")
    make.add_argument(
        "--models",
        metavar="PATTERN",
        nargs="+",
        action="extend",
        default=[],
        help="only models of these names: smollm2, 'qwen3*', 'openai:*' (all)",
    )
    make.add_argument("--local-only", action="store_true", help="nothing that it asks leaves this machine")
    make.add_argument("--mine", action="store_true", help="nothing that it asks leaves your machines")
    make.add_argument(
        "--budget-day", type=_dollars, metavar="DOLLARS", help="what it may cost at providers in a day"
    )
    make.add_argument(
        "--expires", type=_moment, metavar="TIME", help="a date such as 2027-01-31, or in 12h, 30d (never)"
    )
    make.add_argument(
        "--manage",
        action="store_true",
        help="it may fetch, name and remove models, and name files and options of models",
    )
    make.add_argument("--json", action="store_true", help="print a JSON object")
    back = actions.add_parser("revoke", help="take a client's key back, at once")
    back.add_argument("name", metavar="NAME", help="whose key")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    if args.action == "list":
        return _list(settings, as_json=args.json)
    if args.action == "create":
        return _create(args)
    if args.action == "revoke":
        return _revoke(args.name)
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
    own = [machine for machine, setting in settings.machines.items() if setting.url]
    known = dict.fromkeys((*access.CLOUDS, *settings.providers, *own, *more))
    if name not in known:
        hint = f"known are {', '.join(known)}; more in [providers.NAME] and [machines.NAME]"
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


def _create(args: argparse.Namespace) -> int:
    if args.manage and args.models:
        hint = "leave --manage or --models out"
        fail(Code.BAD_REQUEST, "a key that may change which models are here may ask them all", hint)
    rights = client_keys.ClientKey(
        sha256="",
        created=0.0,
        models=tuple(args.models),
        local_only=args.local_only,
        mine=args.mine,
        budget_day=args.budget_day,
        expires=args.expires,
        manage=args.manage,
    )
    key = client_keys.create(args.name, rights)
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json({"name": args.name, "key": key})
    else:
        print(key)
        print(
            f"keep it: it is not shown again. Take it back: ai-pal keys revoke {args.name}", file=sys.stderr
        )
    return failures.OK


def _revoke(name: str) -> int:
    left = client_keys.revoke(name)
    print(f"the key of {name} is no key any more")
    if not left:
        print("no key is left: whoever is on this machine may ask ai-pal serve", file=sys.stderr)
    return failures.OK


def _list(settings: Settings, *, as_json: bool) -> int:
    from ai_pal.cli.setup import client_key_table
    from ai_pal.cli.setup.provider_table import listed, provider_table

    rows, clients = listed(settings, os.environ), client_key_table.listed(client_keys.read_keys())
    if as_json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json({"providers": rows, "clients": clients})
        return failures.OK
    print(provider_table(rows))
    if clients:
        print()
        print(client_key_table.client_table(clients))
    return failures.OK


def _dollars(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MOST_DOLLARS:
        raise argparse.ArgumentTypeError(f"{text!r} is no sum of US dollars such as 0.50")
    return found


def _moment(text: str) -> float | None:
    """When it is over, in seconds since 1970."""
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%d"))
    except (ValueError, OverflowError):
        pass
    try:
        seconds = parse_duration(text)
    except ValueError:
        why = f"{text!r} is neither a date such as 2027-01-31 nor a time from now such as 30d"
        raise argparse.ArgumentTypeError(why) from None
    return None if seconds < 0 else time.time() + seconds
