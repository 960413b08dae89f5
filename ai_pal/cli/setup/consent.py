"""`ai-pal consent [PROVIDER]`: whether prompts may go to a provider whose key was found."""

import argparse
import os

from ai_pal.cli.setup.keys import known_provider
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import completes
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings, load_settings
from ai_pal.config import provider_access as access

OLLAMA = "ollama"
"""No cloud, but on another machine it is elsewhere too."""

EXAMPLES = """examples:
  ai-pal consent openai             agree: prompts may go to openai
  ai-pal consent openai --revoke    no longer
  ai-pal consent                    what was decided so far

A key that was merely found in the environment is not used before you agree. One that you put into the
keyring or the config file yourself is a yes. For daemons: [providers.openai] consent = true in the settings.
A no counts wherever it was said. --local-only keeps everything here, whatever was agreed.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    whose = parser.add_argument(
        "provider", nargs="?", metavar="PROVIDER", help="openai, ollama (elsewhere), ..."
    )
    completes(whose, "providers")
    parser.add_argument("--revoke", action="store_true", help="prompts may no longer go there")
    parser.add_argument("--list", action="store_true", help="show what was decided; so does no PROVIDER")
    parser.add_argument("--json", action="store_true", help="print a JSON array of what was decided")


def run(args: argparse.Namespace) -> int:
    settings = load_settings().settings
    provider = None if args.provider is None else known_provider(args.provider, settings, OLLAMA)
    if provider is not None and (args.revoke or not (args.list or args.json)):
        _decide(provider, settings, agreed=not args.revoke)
        return failures.OK
    from ai_pal.cli.setup.provider_table import listed, provider_table

    rows = [row for row in listed(settings, os.environ) if provider in (None, row.provider)]
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json(rows)
    else:
        print(provider_table(rows))
    return failures.OK


def _decide(provider: str, settings: Settings, *, agreed: bool) -> None:
    access.remember(provider, consent=agreed)
    setting = settings.providers.get(provider)
    said = "may go" if agreed else "do not go"
    print(neutral_line(f"prompts {said} to {provider}"))
    if agreed and setting is not None and setting.consent is False:
        print(f"but the settings say no: [providers.{neutral_line(provider)}] consent = false")
    if agreed and settings.local_only:
        print("but the setting local_only keeps all prompts here")
    elif agreed and settings.mine:
        print("but the setting mine keeps all prompts on your machines")
