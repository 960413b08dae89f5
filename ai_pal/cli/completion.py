"""`ai-pal completion SHELL`: print the completion script of a shell."""

import argparse

from ai_pal.cli import failures

SHELLS = ("bash", "zsh", "fish", "tcsh")

EXAMPLES = """examples:
  ai-pal completion bash > ~/.local/share/bash-completion/completions/ai-pal
  ai-pal completion zsh  > ~/.zfunc/_ai-pal     (with fpath+=~/.zfunc before compinit in ~/.zshrc)
  ai-pal completion fish > ~/.config/fish/completions/ai-pal.fish
  ai-pal completion tcsh > ~/.ai-pal.tcsh       (with source ~/.ai-pal.tcsh in ~/.tcshrc)

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(args: argparse.Namespace) -> int:
    import shtab

    from ai_pal.cli import build_parser

    print(shtab.complete(build_parser(), shell=args.shell))
    return 0
