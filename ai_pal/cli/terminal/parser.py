"""The argument parser: its errors look like all others, name what is wrong, and the command's own help."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import NoReturn, cast

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.streams import size
from ai_pal.errors import Code, Failure

_NUMBER = re.compile(r"-\d+|-\d*\.\d+")


class Parser(argparse.ArgumentParser):
    """Each parser, also that of a command's action, answers for what it does not know. Where there may be any
    number of words, options stand between them as well: `ai-pal chat why -m echo is the sky blue`."""

    _inside = False
    _verbatim: Sequence[str] = ()
    """What follows `--`, and that itself."""

    def _add_action(self, action: argparse.Action) -> argparse.Action:  # type: ignore[override]
        """As argparse, which takes any number for at least one where it says what is missing."""
        if action.nargs == argparse.ZERO_OR_MORE:
            action.required = False
        return super()._add_action(action)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """As argparse, but an unknown flag is blamed before what follows from it, and nothing is left."""
        if self._inside:  # for options first, then for the words
            words = [*(args or ()), *(() if self._wants_options_only() else self._verbatim)]
            return super().parse_known_args(words, namespace)
        words = sys.argv[1:] if args is None else list(args)
        if flag := self._unknown_flag(words):
            self._refuse(flag)
        many = any(action.nargs in ("*", "+") for action in self._get_positional_actions())
        parse = self.parse_known_intermixed_args if many else super().parse_known_args
        if many and "--" in words:
            at = words.index("--")
            words, self._verbatim = words[:at], words[at:]
        self._inside = True
        try:
            found, rest = parse(words, namespace)
        finally:
            self._inside = False
        if rest:
            self.error(f"this is too much: {' '.join(rest)}")
        return found, rest

    def _get_formatter(self) -> argparse.HelpFormatter:
        """As argparse, which looks at each new option with one. Left to itself that asks `shutil` for the
        width of the terminal, whose import takes longer than all of the parsing."""
        formatter = cast("type[argparse.HelpFormatter]", self.formatter_class)
        return formatter(self.prog, width=_columns() - 2)

    def _wants_options_only(self) -> bool:
        return all(action.nargs == argparse.SUPPRESS for action in self._get_positional_actions())

    def error(self, message: str) -> NoReturn:
        self._report(message, f"see: {self.prog} --help")

    def _refuse(self, flag: str) -> NoReturn:
        import difflib

        near = difflib.get_close_matches(flag, self._option_string_actions, n=1, cutoff=0.7)
        meant = f"did you mean {near[0]}? " if near else ""
        self._report(f"there is no option {flag}", f"{meant}see: {self.prog} --help")

    def _report(self, message: str, hint: str) -> NoReturn:
        failures.report(Failure(Code.BAD_REQUEST, message, hint))
        sys.exit(failures.USAGE)

    def _unknown_flag(self, words: Sequence[str]) -> str:
        """The first word that can only be meant as an option and is none; "" for none."""
        for word in words:
            if word == "--" or (self._subparsers is not None and not word.startswith("-")):
                return ""  # the rest is text, or for the parser below
            flag = word.partition("=")[0]
            if self._is_flag(word) and not self._knows(flag):
                return flag
        return ""

    @staticmethod
    def _is_flag(word: str) -> bool:
        return word.startswith("-") and word != "-" and " " not in word and not _NUMBER.fullmatch(word)

    def _knows(self, flag: str) -> bool:
        known = self._option_string_actions
        if flag.startswith("--"):
            return any(option.startswith(flag) for option in known)
        return flag in known or flag[:2] in known


def _columns() -> int:
    """How wide help may be."""
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdigit() and int(said) else size(sys.stdout).columns
