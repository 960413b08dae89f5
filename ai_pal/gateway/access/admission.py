"""Who may ask over HTTP: looked at before anything of a request's body is read. Pure.

A page in a browser can reach this machine's ports. It cannot choose `Host` or `Origin`, so these two tell it
apart (DNS rebinding: CVE-2024-28224)."""

import functools
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from ai_pal.errors import Code
from ai_pal.gateway.wire.wish_headers import HEADERS

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
OCTETS = "application/octet-stream"

ALLOWED_HEADERS = (
    *("authorization", "content-type", "x-api-key", "anthropic-version", "anthropic-beta", "user-agent"),
    *("x-stainless-lang", "x-stainless-package-version", "x-stainless-os", "x-stainless-arch"),
    *("x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-retry-count", "x-stainless-timeout"),
    *("x-stainless-helper-method", "x-stainless-helper", "x-stainless-poll-helper", "x-stainless-async"),
    *("x-stainless-custom-poll-interval", "anthropic-dangerous-direct-browser-access", "openai-beta"),
    *("openai-organization", "openai-project", "idempotency-key", "x-requested-with", "accept"),
    *("cache-control", "http-referer", "x-title"),
    *HEADERS,
)
"""Headers that a page may send; those of the SDKs among them, and what Ollama lets pages send."""

FROM_CONTAINERS = frozenset(
    f"{name}.internal"
    for name in ("host.docker", "gateway.docker", "host.containers", "host.lima", "host.orb", "host.minikube")
)
"""What this machine is called by programs in a container on it. Nobody can have such a name in the DNS:
`.internal` is set aside for what is private. But whoever answers this machine's questions can say that it is
he: pages under such a name are no pages of this machine."""


class Policy(msgspec.Struct, frozen=True):
    """`hosts` are names under which this server may be addressed, besides `localhost`, bare addresses and
    what containers call it;
    `origins` those of pages that may ask, besides pages of this machine; `app://` means all of a scheme.
    `via` is how the supervisor behind this server signs what it asks of others: it may not ask itself."""

    hosts: frozenset[str] = frozenset()
    origins: frozenset[str] = frozenset()
    via: str = ""


class Refusal(msgspec.Struct, frozen=True):
    """Why a request is not taken, as an HTTP status and a sentence; `code` is of our taxonomy."""

    status: int
    message: str
    code: Code = Code.BAD_REQUEST


def refusal(
    method: str, headers: Mapping[str, str], policy: Policy, *, local_socket: bool = False, form: bool = False
) -> Refusal | None:
    """Why this request may not be made, or nothing. Header names are in lower case. On a Unix socket any
    `Host` is right. Without a media type JSON is taken from programs, whose libraries say none for a text;
    `form`: under that of forms too, as curl sends it."""
    if not local_socket and not _asked_as_itself(headers, policy):
        return Refusal(403, "this server is not known by the name in the Host header", Code.ACCESS_DENIED)
    if not allowed_origin(headers, policy):
        return Refusal(403, "pages of this origin may not ask", Code.ACCESS_DENIED)
    if not local_socket and from_a_page(headers) and for_programs(headers, policy):
        return Refusal(403, "pages may not ask by this name in the Host header", Code.ACCESS_DENIED)
    if policy.via and policy.via in headers.get("via", ""):
        return Refusal(508, "AI-PAL would ask itself")
    if method in ("POST", "PUT", "PATCH", "DELETE") and (why := _objection_to_type(headers, form)):
        return Refusal(415, why)
    return None


def allowed_origin(headers: Mapping[str, str], policy: Policy) -> bool:
    """Whether a program asks, or a page that may."""
    origin = headers.get("origin")
    if origin is None:
        # A page's plain GET (an image, a script) has no Origin, but says where it comes from.
        return headers.get("sec-fetch-site", "none") in ("none", "same-origin")
    if origin in policy.origins or origin.partition("://")[0] + "://" in policy.origins:
        return True
    parts = _split(origin)
    if parts is None or parts[0] not in ("http", "https"):
        return False
    return _this_machine(parts[1]) or origin.partition("://")[2] == headers.get("host", "")


def from_elsewhere(headers: Mapping[str, str]) -> bool:
    """Whether a page asks that did not come from this very server: pages of this machine are such, too."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    return not origin.partition("://")[2] or origin.partition("://")[2] != headers.get("host", "")


def wants_page(method: str, headers: Mapping[str, str]) -> bool:
    """Whether a person with a browser asks for `/`: clients of the protocols do not want HTML."""
    return method in ("GET", "HEAD") and "text/html" in headers.get("accept", "")


def from_a_page(headers: Mapping[str, str]) -> bool:
    """Whether a browser's page asks. Node's fetch sends `Sec-Fetch-Mode` too, but no `Sec-Fetch-Site`."""
    return "origin" in headers or "sec-fetch-site" in headers


def for_programs(headers: Mapping[str, str], policy: Policy) -> bool:
    """Whether this server is called by a name under which it is for programs only."""
    parts = _split(f"http://{headers.get('host', '')}")
    return parts is not None and parts[1] in FROM_CONTAINERS - policy.hosts


def _asked_as_itself(headers: Mapping[str, str], policy: Policy) -> bool:
    """Whether this server is called by a name of its own. HTTP/1.0 may go without; no browser does."""
    host = headers.get("host")
    return not from_a_page(headers) if host is None else _own_host(host, policy)


@functools.lru_cache(maxsize=16)  # a client says the same each time
def _own_host(host: str, policy: Policy) -> bool:
    parts = _split(f"http://{host}") if host else None
    if parts is None:
        return False
    name = parts[1]
    return _this_machine(name) or _is_address(name) or name in policy.hosts or name in FROM_CONTAINERS


def names_of(machine: str) -> frozenset[str]:
    """What others of a network call the machine that has this name."""
    name = machine.lower()
    first = name.partition(".")[0]
    return frozenset({name, first, f"{first}.local"}) if first else frozenset()


def _this_machine(name: str) -> bool:
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified  # 0.0.0.0 is what servers print as where they listen


def _is_address(name: str) -> bool:
    """A bare address cannot be rebound: there is no name to bind."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _split(url: str) -> tuple[str, str] | None:
    """Scheme and host of a URL in lower case, unless it is none or has more than these and a port."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    if (
        not parts.hostname
        or parts.path
        or parts.query
        or parts.fragment
        or parts.username is not None
        or port == 0
    ):
        return None
    return parts.scheme, parts.hostname.rstrip(".")


def _objection_to_type(headers: Mapping[str, str], form: bool) -> str:
    if headers.get("content-encoding", "identity").lower() != "identity":
        return "the body has to come as it is, not compressed"
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in (JSON, "text/json") or kind.endswith("+json"):
        return ""
    if not kind and headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return ""
    if kind in ((FORM, OCTETS, "") if form else ("",)) and not from_a_page(headers):
        return ""
    return f"the body has to be {JSON}, and say so in Content-Type"
