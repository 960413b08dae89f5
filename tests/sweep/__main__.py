"""Compares each causal type of transformers, in a process of its own, with the library; prints a table."""

import argparse
import multiprocessing
import os
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from tests.sweep.compare import Found, compare
from tests.sweep.tiny_types import causal_types

SECONDS = 120
PROCESSES = multiprocessing.get_context("fork")
"""They begin with the libraries imported."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/sweep", description=__doc__)
    parser.add_argument("types", nargs="*", metavar="TYPE", help="such as llama or mamba2; without, all")
    print("| Type | Way | Greedy text |\n|---|---|---|", flush=True)
    for kind in parser.parse_args().types or causal_types():
        found = _apart(kind)
        print(f"| {found.kind} | {found.way or '-'} | {found.verdict.replace('|', '/')} |", flush=True)


def _apart(kind: str) -> Found:
    """In a process of its own: a type may crash it, or never come back."""
    here, there = PROCESSES.Pipe(duplex=False)
    process = PROCESSES.Process(target=_compare, args=(kind, there))
    process.start()
    there.close()
    try:
        if not here.poll(SECONDS):
            return Found(kind, why=f"no end within {SECONDS} s")
        found: Found = here.recv()
        return found
    except EOFError:
        process.join(SECONDS)
        return Found(kind, why=f"broke off, exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()


def _compare(kind: str, told: Connection) -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    with tempfile.TemporaryDirectory() as folder:
        told.send(compare(kind, Path(folder) / "model"))


if __name__ == "__main__":
    main()
