"""`ai-pal serve`: the HTTP gateway in the foreground; it finds or starts a supervisor."""

import argparse
import contextlib
import errno
import ipaddress
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from ai_pal import logs
from ai_pal.cli.terminal import failures
from ai_pal.config import load_settings, paths
from ai_pal.config.http_settings import MOST_GATEWAYS, HttpSettings
from ai_pal.config.listening import Address, listens_at
from ai_pal.errors import AiPalError, Code, fail, pip_install
from ai_pal.logs import Format

PACKAGES = (
    *("starlette", "uvicorn", "httptools", "prometheus-client", "latex2mathml", "mdit-py-plugins", "nh3"),
    "pygments",
)
"""The extra `http`, by names that the package index knows."""

MODULES = (
    *("starlette", "uvicorn", "httptools", "prometheus_client", "latex2mathml", "mdit_py_plugins", "nh3"),
    "pygments",
)
"""What is imported of them."""

USUAL = Address("127.0.0.1", 11435)

EXAMPLES = """examples:
  ai-pal serve                            http://127.0.0.1:11435
  ai-pal serve --open                     and its page in a browser
  ai-pal serve --port 11434               in the place of Ollama
  ai-pal serve --workers 4                four processes at one port
  ai-pal serve --socket /run/user/1000/ai-pal.sock
  ai-pal serve --listen 0.0.0.0:11435     for other machines too: needs a key, ai-pal keys create NAME
  curl http://127.0.0.1:11435/api/generate -d '{"model": "smollm2", "prompt": "Hello"}'

`[http]` of the config file says where it listens, whose pages may ask, how much of everything, and which
certificate makes it TLS. While there is no key, whoever is on this machine may ask. Ctrl-C ends it; the
supervisor and its models stay as they are.

"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.epilog = EXAMPLES + failures.EXIT_CODES
    parser.add_argument(
        "--listen", metavar="PLACE", help="ADDRESS:PORT or the path of a socket, as in http.listen"
    )
    parser.add_argument("--host", metavar="ADDRESS", help="default: as http.listen says, else 127.0.0.1")
    parser.add_argument(
        "--port", type=_port, metavar="N", help="default: as http.listen says, else 11435; 0 takes a free one"
    )
    parser.add_argument(
        "--socket", type=Path, metavar="FILE", help="a Unix socket instead, for this user only"
    )
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that share the port, where the system can; default: http.workers",
    )
    parser.add_argument("--open", action="store_true", help="open the page in a browser")
    parser.add_argument("--shared", type=_count, default=0, help=argparse.SUPPRESS)
    parser.add_argument("--supervisor", help=argparse.SUPPRESS)
    parser.add_argument("--pulse", type=int, default=-1, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    try:
        from ai_pal.gateway.serving import serve
    except ModuleNotFoundError as error:
        hint = " ".join([pip_install(PACKAGES[0]), *PACKAGES[1:]])
        fail(Code.SDK_MISSING, f"{error.name} is not installed", hint)
    from ai_pal.cli.service.http_workers import require_shared, serve_many
    from ai_pal.cli.service.opening import open_page
    from ai_pal.client import daemon
    from ai_pal.gateway.access.admission import Policy, names_of
    from ai_pal.gateway.openai.responses.kept import Kept
    from ai_pal.gateway.page.page import Page
    from ai_pal.transport import run_files

    settings = load_settings().settings

    def endpoint(start: bool) -> str:
        if args.supervisor:
            return str(args.supervisor)
        daemon.connect(settings, start=start, notify=_say).close()
        return daemon.endpoint()

    place = chosen_place(args, settings.http)
    if args.open and isinstance(place, Path):
        fail(Code.BAD_REQUEST, "a browser opens no Unix socket", "leave --open or the socket out")
    keyed = check_place(place, settings.http, warns=not (args.shared or args.supervisor))
    workers = 1 if args.shared else args.workers or settings.http.workers
    require_shared(place, workers)
    if workers > 1 and isinstance(place, Address):
        with taken(place) as listening:  # nobody else's, and a port of its own where any will do
            place = Address(place.host, listening.getsockname()[1])
            where = address_of(listening, tls=bool(settings.http.certificate))
        endpoint(True)
        logs.configure(settings.log_level, settings.log_format)
        if args.open:
            open_page(where)
        serve_many(place, workers, settings.beat_timeout)
        return failures.OK
    listening = taken(place, shared=bool(args.shared))
    where = address_of(listening, tls=bool(settings.http.certificate))
    try:
        via = run_files.via(endpoint(True))
        if not args.supervisor:
            told = f"listening on {place}" if isinstance(place, Path) else _to_paste(where, keyed=keyed)
            print(told, flush=True)
        if args.open:
            open_page(where)
        style: Format = "json" if args.supervisor else settings.log_format
        logs.configure(settings.log_level, style, mark=os.environ.get(logs.MARK, ""))
        seconds = settings.http.keep_responses if settings.history else 0.0
        kept = Kept(paths.responses_file(), seconds)
        hosts = names_of(socket.gethostname()) | {name.lower() for name in settings.http.hosts}
        policy = Policy(hosts, frozenset(settings.http.origins), via)
        tls = bool(settings.http.certificate)
        page = Page(paths.store_file(), writes=settings.history, several=bool(args.shared), tls=tls)
        serve(listening, endpoint, policy, where, kept, page, settings.http, args.shared or 1, args.pulse)
    finally:
        if isinstance(place, Path):
            place.unlink(missing_ok=True)
    return failures.OK


def taken(place: Address | Path, *, shared: bool = False) -> socket.socket:
    """A socket that listens there, an address `shared` with other processes of ours. Raises `AiPalError`
    (`bad_request`)."""
    return _unix(place) if isinstance(place, Path) else _tcp(*place, shared=shared)


def address_of(listening: socket.socket, *, tls: bool = False) -> str:
    """Where it is, as clients write it; of a Unix socket its path."""
    if listening.family == socket.AF_UNIX:
        return str(listening.getsockname())
    host, port = listening.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"


def _to_paste(where: str, *, keyed: bool) -> str:
    return (
        f"OpenAI:    base URL {where}/v1, {'a key of yours' if keyed else 'any key'}\n"
        f"Anthropic: ANTHROPIC_BASE_URL={where} ANTHROPIC_API_KEY={'KEY' if keyed else 'none'}\n"
        f"Ollama:    {where}\n"
        f"Browser:   {where}/"
    )


def check_place(place: Address | Path, http: HttpSettings, *, warns: bool = True) -> bool:
    """Whether a key is needed here. Raises `AiPalError`: others than this machine's would come in without
    one, or TLS cannot be had."""
    from ai_pal.config.client_keys import read_keys

    keyed = bool(read_keys())
    if http.certificate:
        _check_certificate(http)
    if isinstance(place, Path) or _is_loopback(place.host):
        return keyed
    if not keyed:
        what = f"other machines reach {place.host}, and there is no key that they would need"
        fail(Code.ACCESS_DENIED, what, "make one: ai-pal keys create NAME")
    if warns and not http.certificate:
        _say(
            f"warning: what is asked of {place.host} and answered travels readable, keys too: "
            "set http.certificate and http.key, or put a proxy with TLS before it"
        )
    return True


def _check_certificate(http: HttpSettings) -> None:
    import ssl

    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(http.certificate, http.key, password=lambda: "")  # nobody is asked for one
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", "") or getattr(error, "strerror", "") or error
        files = f"http.certificate ({http.certificate}) and http.key ({http.key})"
        fail(
            Code.CONFIG_INVALID, f"{files} cannot be used: {why}", "both are PEM, and the key has no password"
        )


def _is_loopback(host: str) -> bool:
    return host == "localhost" or _address(host).is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Raises `AiPalError` (`bad_request`)."""
    try:
        return ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        fail(Code.BAD_REQUEST, f"{host} is no address", "127.0.0.1 or ::1, for all machines 0.0.0.0 or ::")


def chosen_place(args: argparse.Namespace, http: HttpSettings) -> Address | Path:
    """Where to listen: what flags say goes over the setting. Raises `AiPalError` (`bad_request`)."""
    if args.listen:
        if args.host is not None or args.port is not None or args.socket:
            fail(Code.BAD_REQUEST, "--listen says all of the place", "leave --host, --port and --socket out")
        try:
            return listens_at(args.listen)
        except ValueError as error:
            fail(Code.BAD_REQUEST, f"--listen: {error}", "such as 0.0.0.0:11435")
    if args.socket:
        if args.host is not None or args.port is not None:
            fail(Code.BAD_REQUEST, "a socket has no address and no port", "leave --socket or the others out")
        return Path(args.socket)
    place = listens_at(http.listen)
    if args.host is None and args.port is None:
        return place
    usual = place if isinstance(place, Address) else USUAL
    return Address(args.host or usual.host, usual.port if args.port is None else args.port)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_GATEWAYS:
        raise argparse.ArgumentTypeError(f"{text} is no number of processes: 1 to {MOST_GATEWAYS}")
    return int(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port: 0 to 65535")
    return int(text)


def _tcp(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket there. Raises `AiPalError` (`bad_request`)."""
    address = _address(host)
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    # Named, TCP is what asyncio sends at once: what it does not know to be TCP waits for the caller's kernel.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((str(address), port))
        listening.listen()  # who has read where it is may connect
    except OSError as error:
        listening.close()
        hint = _taken_by(port) if error.errno == errno.EADDRINUSE else "choose another with --port N"
        fail(Code.BAD_REQUEST, f"port {port} of {host} cannot be taken: {error.strerror}", hint)
    return listening


def _taken_by(port: int) -> str:
    """Who listens at a port that is taken, and what to do about it."""
    from ai_pal.cli.running import if_running

    with contextlib.suppress(AiPalError), if_running() as client:
        for one in client.status().gateways if client else []:
            if one.address.startswith("http") and urlsplit(one.address).port == port:
                return f"AI-PAL answers at {one.address} already (pid {one.pid}): `ai-pal status` shows it"
    return "another program listens there: choose another with --port N"


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
