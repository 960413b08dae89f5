"""What the shell completes at an argument: a kind of name that `ai-pal complete` lists, files, or nothing."""

import argparse
from typing import Literal

Kind = Literal[
    "models", "local", "here", "loaded",
    "presets", "conversations", "tags", "providers", "machines", "nodes",
    "settings", "commands", "agents", "text",
    "file",
]  # fmt: skip
"""Of models: all that can be named, those that can run here, those of ours on this disk, those in memory."""


def completes(action: argparse.Action, kind: Kind) -> None:
    """Let the shells complete names of this kind at `action`. Costs nothing: the script is made elsewhere."""
    action.complete = kind  # type: ignore[attr-defined]
