"""Which proxy stands before a URL, and the variable that says so. Pure: the environment is passed in.

Decided here and not by the HTTP libraries, which differ: one fails for every host where NO_PROXY holds a
network of IPv6, none knows what variable led it anywhere."""

from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import msgspec

from ai_pal.network.bypass import is_bypassed, is_this_machine
from ai_pal.network.trouble import Blocked

KINDS = {"http": "http", "https": "https", "socks5": "socks5", "socks5h": "socks5h", "socks": "socks5h"}
"""How proxies are written, and how the libraries know them. Desktops write `socks` for SOCKS 5."""


class Proxy(msgspec.Struct, frozen=True):
    """A proxy as the libraries take it, password and all, and the variable that it comes from."""

    url: str
    variable: str

    @property
    def is_socks(self) -> bool:
        return self.url.startswith("socks")

    @property
    def host(self) -> str:
        return host_of(self.url)

    def __str__(self) -> str:
        """For people: no name, no password."""
        return f"the proxy {urlsplit(self.url).netloc.rpartition('@')[2]} ({self.variable})"


def proxy_for(url: str, environ: Mapping[str, str]) -> Proxy | None:
    """The proxy for a URL; None where it is asked directly, as this machine always is.

    Raises `Blocked` where the variable names no proxy that could be asked."""
    asked = urlsplit(url)
    if is_this_machine(asked.hostname or ""):
        return None
    variable, value = variable_of(asked.scheme, environ)
    if not value or is_bypassed(asked, _value("no_proxy", environ)[1]):
        return None
    return Proxy(_address(variable, value), variable)


def host_of(url: str) -> str:
    """The host that a URL names, "" where it is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def variable_of(scheme: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """The variable that names the proxy for URLs of this scheme, as it is spelled, and its value."""
    found = _value(f"{scheme}_proxy", environ)
    return found if found[1] else _value("all_proxy", environ)


def _value(name: str, environ: Mapping[str, str]) -> tuple[str, str]:
    """Lower case goes first, and counts even if it is empty, as for curl and Python's own library."""
    if name in environ:
        return name, environ[name].strip()
    spelled = next((found for found in environ if found.lower() == name), name.upper())
    return spelled, environ.get(spelled, "").strip()


def _address(variable: str, value: str) -> str:
    if "://" not in value:
        value = f"http://{value}"
    scheme, _, rest = value.partition("://")
    known = KINDS.get(scheme.lower())
    if known is None:
        reason = f"{variable} names a proxy of a kind that is not known here ({scheme[:20]})"
        raise Blocked(reason, f"{variable}=http://host:port, or https://, socks5://, socks5h://")
    if not _is_address(f"{known}://{rest}"):
        raise Blocked(f"{variable} holds no address of a proxy", f"{variable}=http://host:port")
    return f"{known}://{rest}"


def _is_address(url: str) -> bool:
    try:
        parts: SplitResult = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
