"""`ai-pal serve`: the HTTP gateway in the foreground; it finds or starts a supervisor."""

import argparse
import errno
import ipaddress
import os
import socket
import sys
from pathlib import Path

from ai_pal import logs
from ai_pal.cli import failures
from ai_pal.config import load_settings
from ai_pal.config.listening import Address, listens_at
from ai_pal.config.tables import HttpSettings
from ai_pal.errors import Code, fail, pip_install

PACKAGES = ("starlette", "uvicorn", "httptools", "prometheus-client")
"""The extra `http`, by names that the package index knows."""

USUAL = Address("127.0.0.1", 11435)

EXAMPLES = """examples:
  ai-pal serve                            http://127.0.0.1:11435
  ai-pal serve --port 11434               in the place of Ollama
  ai-pal serve --socket /run/user/1000/ai-pal.sock
  curl http://127.0.0.1:11435/api/generate -d '{"model": "smollm2", "prompt": "Hello"}'

`[http]` of the config file says where it listens and whose pages may ask.
It serves this machine only. Ctrl-C ends it; the supervisor and its models stay as they are.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument("--host", metavar="ADDRESS", help="default: as http.listen says, else 127.0.0.1")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="default: as http.listen says, else 11435; 0 takes a free one"
    )
    parser.add_argument(
        "--socket", type=Path, metavar="FILE", help="a Unix socket instead, for this user only"
    )


def run(args: argparse.Namespace) -> int:
    try:
        from ai_pal.gateway.serving import serve
    except ModuleNotFoundError as error:
        hint = " ".join([pip_install(PACKAGES[0]), *PACKAGES[1:]])
        fail(Code.SDK_MISSING, f"{error.name} is not installed", hint)
    from ai_pal.client import daemon
    from ai_pal.gateway.admission import Policy
    from ai_pal.transport import run_files

    settings = load_settings().settings

    def endpoint(start: bool) -> str:
        daemon.connect(settings, start=start, notify=_say).close()
        return daemon.endpoint()

    place = chosen_place(args, settings.http)
    listening = _unix(place) if isinstance(place, Path) else _tcp(*place)
    try:
        via = run_files.via(endpoint(True))
        print(f"listening on {place}" if isinstance(place, Path) else _to_paste(listening), flush=True)
        logs.configure(settings.log_level, settings.log_format)
        hosts = frozenset(name.lower() for name in settings.http.hosts)
        serve(listening, endpoint, Policy(hosts, frozenset(settings.http.origins), via))
    finally:
        if isinstance(place, Path):
            place.unlink(missing_ok=True)
    return failures.OK


def _to_paste(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    where = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    return (
        f"OpenAI:    base URL {where}/v1, any key\n"
        f"Anthropic: ANTHROPIC_BASE_URL={where} ANTHROPIC_API_KEY=none\n"
        f"Ollama:    {where}"
    )


def chosen_place(args: argparse.Namespace, http: HttpSettings) -> Address | Path:
    """Where to listen: what flags say goes over the setting. Raises `AiPalError` (`bad_request`)."""
    if args.socket:
        if args.host is not None or args.port is not None:
            fail(Code.BAD_REQUEST, "a socket has no address and no port", "leave --socket or the others out")
        return Path(args.socket)
    place = listens_at(http.listen)
    if args.host is None and args.port is None:
        return place
    usual = place if isinstance(place, Address) else USUAL
    return Address(args.host or usual.host, usual.port if args.port is None else args.port)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)


def _tcp(host: str, port: int) -> socket.socket:
    """A socket of this machine. Raises `AiPalError` (`bad_request`)."""
    name = "127.0.0.1" if host == "localhost" else host
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        fail(Code.BAD_REQUEST, f"{host} is no address", "127.0.0.1 or ::1")
    if not address.is_loopback:
        hint = "others of your network would reach it without a key: put a proxy with keys before it"
        fail(Code.BAD_REQUEST, f"{host} is not of this machine alone", hint)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((name, port))
        listening.listen()  # who has read where it is may connect
    except OSError as error:
        listening.close()
        hint = "another program listens there: choose another with --port N"
        fail(Code.BAD_REQUEST, f"port {port} of {host} cannot be taken: {error.strerror}", hint)
    return listening


def _unix(path: Path) -> socket.socket:
    """A socket for this user only, also in the place of one that nobody listens at any more. Raises
    `AiPalError` (`bad_request`)."""
    if path.is_socket() and not _answers(path):
        path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(str(path))
        listening.listen()
    except OSError as error:
        listening.close()
        fail(Code.BAD_REQUEST, f"{path} cannot be taken: {error.strerror}", "choose another path")
    finally:
        os.umask(before)
    return listening


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        try:
            asking.connect(str(path))
        except OSError as error:
            return error.errno != errno.ECONNREFUSED
    return True


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
