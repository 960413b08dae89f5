"""`ai-pal relay`: what `ssh` starts on a machine that answers another one. Hidden: people do not call it."""

import argparse
import os


def configure(parser: argparse.ArgumentParser) -> None:
    """It takes nothing."""


def run(args: argparse.Namespace) -> int:
    from ai_pal.machines.relay import relay

    sink = os.dup(1)
    os.dup2(2, 1)  # what anything else writes is no frame
    code = relay(0, sink)
    os._exit(code)  # threads may block in a pipe that nobody reads
