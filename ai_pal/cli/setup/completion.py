"""`ai-pal completion SHELL`: print the completion script of a shell."""

import argparse
from typing import get_args

from ai_pal.cli.setup.completion_scripts import AFTERWARDS, PREAMBLES, function_of
from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.completing import Kind

SHELLS = ("bash", "zsh", "fish", "tcsh")

EXAMPLES = """examples:
  ai-pal completion bash > ~/.local/share/bash-completion/completions/ai-pal
  ai-pal completion zsh > ~/.zfunc/_ai-pal     (with fpath+=~/.zfunc before compinit in ~/.zshrc)
  ai-pal completion fish > ~/.config/fish/completions/ai-pal.fish
  ai-pal completion tcsh > ~/.ai-pal.tcsh       (with source ~/.ai-pal.tcsh in ~/.tcshrc)

Make the folder first where there is none (mkdir -p). In bash, zsh and fish, names of models, presets,
conversations, providers and settings are completed as they are at that moment.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(args: argparse.Namespace) -> int:
    print(script(args.shell))
    return failures.OK


def script(shell: str) -> str:
    """The whole script: commands and options as they are now, names asked for when they are wanted."""
    import shtab

    from ai_pal.cli import build_parser

    kinds = [kind for kind in get_args(Kind) if kind != "file"]
    made = shtab.complete(
        build_parser(),
        shell=shell,
        preamble=PREAMBLES.get(shell, ""),
        choice_functions={kind: function_of(kind, shell) for kind in kinds},
    )
    return f"{made}\n{AFTERWARDS.get(shell, '')}".rstrip()
