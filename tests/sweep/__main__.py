"""Compares each causal type of transformers, in a process of its own, with the library; prints a table."""

import argparse
import multiprocessing
import os
import resource
import signal
import tempfile
from multiprocessing.connection import Connection
from pathlib import Path

from tests.sweep.compare import Found, compare
from tests.sweep.tiny_types import causal_types

CPU_SECONDS = 120
WAIT_SECONDS = 1800
"""Until it is given up, on a machine with much other work."""
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
        if not here.poll(WAIT_SECONDS):
            return Found(kind, why=f"no end within {WAIT_SECONDS} s")
        found: Found = here.recv()
        return found
    except EOFError:
        process.join(WAIT_SECONDS)
        if process.exitcode == -signal.SIGXCPU:
            return Found(kind, why=f"no end within {CPU_SECONDS} s of CPU time")
        return Found(kind, why=f"broke off, exit code {process.exitcode}")
    finally:
        process.kill()
        process.join()


def _compare(kind: str, told: Connection) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 2)
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = compare(kind, Path(folder) / "model")
        except Exception as error:  # noqa: BLE001 - such as no end of an answer in time, on a busy machine
            found = Found(kind, why=f"broke off: {error!r}"[:100])
        told.send(found)


if __name__ == "__main__":
    main()
