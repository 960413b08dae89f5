"""What the shell completes at an argument: a kind of name that `ai-pal complete` lists, files, or nothing."""

import argparse
from typing import Literal

Kind = Literal["models", "presets", "conversations", "providers", "settings", "commands", "text", "file"]


def completes(action: argparse.Action, kind: Kind) -> None:
    """Let the shells complete names of this kind at `action`. Costs nothing: the script is made elsewhere."""
    action.complete = kind  # type: ignore[attr-defined]
