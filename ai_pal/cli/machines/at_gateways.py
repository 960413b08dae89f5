"""`ai-pal machines` for those that are reached at their own gateway: added by its certificate, checked by its
list of models. Who asks with the key is the egress process, here as for answers."""

import argparse
import sys
from collections.abc import Collection
from typing import TYPE_CHECKING

from ai_pal.cli.terminal import failures
from ai_pal.cli.terminal.agreeing import agreed
from ai_pal.cli.terminal.json_output import print_json
from ai_pal.cli.terminal.neutral import neutral_line
from ai_pal.config import Settings
from ai_pal.config.dotted import dotted
from ai_pal.errors import Code, Failure, fail

if TYPE_CHECKING:
    from ai_pal.machines.seen import Seen


def add(args: argparse.Namespace) -> int:
    """Pin the certificate that the gateway shows, if it is the right one. Raises `AiPalError`."""
    from ai_pal.config.checks import checked_url
    from ai_pal.config.edit import set_values
    from ai_pal.machines.certificate import certificate_at, fingerprint

    name, url = args.name, args.url.rstrip("/")
    _refuse_what_is_for_ssh(args)
    if not url.startswith("https://"):
        what = f"--url {url[:200]!r} does not begin with https://: over plain http nobody is pinned"
        fail(Code.BAD_REQUEST, what, "let its gateway have TLS, or reach it by --ssh")
    try:
        checked_url(url)
    except ValueError:
        what = f"--url {url[:200]!r} is no address of a server: its host or its port is none"
        fail(Code.BAD_REQUEST, what, "such as https://box:11435")
    certificate = certificate_at(name, url)
    mark = fingerprint(certificate)
    _trust(name, mark, args)
    said = {"url": url, "certificate": certificate, "model": args.model or ""}
    file = set_values({dotted("machines", name, field): text for field, text in said.items() if text}).file
    if args.json:
        print_json({"name": name, "url": url, "certificate": mark, "file": str(file)})
        return failures.OK
    print(neutral_line(f"{name} is in {file}; there: ai-pal keys create NAME; here: ai-pal keys set {name}"))
    print(neutral_line(f"then: ai-pal machines check {name}"))
    return failures.OK


def _refuse_what_is_for_ssh(args: argparse.Namespace) -> None:
    given = {"--port": args.port, "--command": args.started, "--host-key": args.host_key}
    for option, value in given.items():
        if value:
            fail(Code.BAD_REQUEST, f"{option} goes with --ssh, and not with --url", "leave it out")


def _trust(name: str, mark: str, args: argparse.Namespace) -> None:
    """Raises `AiPalError` unless the fingerprint is expected or agreed to."""
    from ai_pal.machines.certificate import same_fingerprint

    look = "compare it there: openssl x509 -noout -fingerprint -sha256 -in its-certificate.pem"
    if args.certificate is not None:
        if not same_fingerprint(args.certificate, mark):
            fail(Code.MACHINE_CHANGED, f"the certificate of {name} is {mark}, not {args.certificate}", look)
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        what = f"nobody has said that the certificate of {name} is right: it is {mark}"
        fail(Code.MACHINE_CHANGED, what, f"if it is: --certificate {mark}")
    if not agreed(f"{name} has the certificate {mark}; is that right", yes=False):
        fail(Code.MACHINE_CHANGED, f"the certificate of {name} is not trusted", "nothing is changed")


def check(names: Collection[str], settings: Settings) -> "list[Seen]":
    """What these say of their models. Raises `AiPalError` where no supervisor could ask."""
    from ai_pal.cli.served import served
    from ai_pal.machines.seen import Seen

    if not names:
        return []
    found = {one.name: one for one in served(settings, lambda client: client.providers(names=names))}
    unknown = Failure(Code.PROVIDER_UNREACHABLE, "the supervisor does not know it yet", "ai-pal stop")
    return [
        Seen(name, models=found[name].offers, failure=found[name].failure)
        if name in found
        else Seen(name, failure=unknown)
        for name in names
    ]
