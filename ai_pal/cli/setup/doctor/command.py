"""`ai-pal doctor`: check this machine and say how to mend what is wrong."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.cli.terminal.wrapping import wrapped
from ai_pal.counted import counted

if TYPE_CHECKING:
    from ai_pal.cli.setup.doctor.finding import Finding

COLOURS = {"ok": "32", "warn": "33", "fail": "31"}

EXAMPLES = """examples:
  ai-pal doctor
  ai-pal doctor --json | jq '.checks[] | select(.state != "ok")'

It looks and changes nothing. Ollama and the clouds that may be used are asked which models they have, and
other machines of yours how they are: no cloud where nothing may leave your machines, nobody with --offline.
The exit code is 1 when a check failed; warnings leave it at 0.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("--offline", action="store_true", help="ask neither Ollama nor clouds nor machines")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    findings = []
    for finding in examine(offline=args.offline):
        findings.append(finding)
        if not args.json:
            _print(finding)
    wrong = sum(finding.state == "fail" for finding in findings)
    if args.json:
        from ai_pal.cli.terminal.json_output import print_json

        print_json({"ok": not wrong, "checks": findings})
    else:
        print(f"\n{summed_up(findings)}")
    return failures.FAILED if wrong else failures.OK


def summed_up(findings: "Sequence[Finding]") -> str:
    """The last line: `1 of 16 checks failed, 2 warnings`."""
    states = [finding.state for finding in findings]
    wrong, warnings = states.count("fail"), states.count("warn")
    if not wrong and not warnings:
        return "nothing is wrong"
    first = f"{wrong} of {len(findings)} checks failed" if wrong else "no check failed"
    return f"{first}, {counted(warnings, 'warning')}" if warnings else first


def examine(*, offline: bool = False) -> Iterator["Finding"]:
    """Every check, as it is made."""
    from ai_pal.cli.setup.doctor.cluster import check_cluster
    from ai_pal.cli.setup.doctor.folders import check_folders
    from ai_pal.cli.setup.doctor.kept import check_kept
    from ai_pal.cli.setup.doctor.machine import check_machine
    from ai_pal.cli.setup.doctor.machines import check_machines
    from ai_pal.cli.setup.doctor.models import check_models
    from ai_pal.cli.setup.doctor.providers import check_providers
    from ai_pal.cli.setup.doctor.service import check_config, check_supervisor

    settings, config = check_config()
    yield from check_machine(settings)
    yield config
    status, supervisor = check_supervisor()
    yield from check_folders(settings, running=status is not None)
    yield from check_kept(settings)
    yield supervisor
    yield from check_cluster(settings, status.nodes if status is not None else None)
    yield from check_models(settings)
    if config.state != "fail" and not offline:
        yield from check_providers(settings)
        yield from check_machines(settings)


def _print(finding: "Finding") -> None:
    mark = f"{finding.state:4}"
    lines = [f"{mark}  {finding.check:19}  {neutral_line(finding.text)}"]
    if finding.mend:
        lines.append(f"{'':27}-> {neutral_line(finding.mend)}")
    text = wrapped("\n".join(lines), sys.stdout)
    if sys.stdout.isatty():
        text = f"\x1b[{COLOURS[finding.state]}m{mark}\x1b[0m{text.removeprefix(mark)}"
    print(text, flush=True)
