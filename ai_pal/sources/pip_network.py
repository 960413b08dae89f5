"""pip and the network: the variables that count for all that goes out count for it too, and what it says of
the way to the index is told with the variable that led there. Pure."""

import re
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from ai_pal.network import trust
from ai_pal.network.proxies import Proxy, proxy_for
from ai_pal.network.reasons import refused
from ai_pal.network.trouble import Blocked, Trouble

INDEX = "https://pypi.org/simple"
_THIS_MACHINE = "localhost,127.0.0.1,::1"
_OTHERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

_UNTRUSTED = re.compile(r"certificate verify failed: ([^(\\']+)")
_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")
_BUNDLE = re.compile(r"(?:TLS CA certificate bundle, invalid path|CA_BUNDLE): *([^\s'\"]+)")
_NO_NAME = re.compile(r"Name or service not known|No address associated|Temporary failure in name resolution")


def environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that pip gets: no proxy before this machine, and the certificates of SSL_CERT_FILE,
    which older ones do not look at. What is set for pip itself goes first."""
    changed: dict[str, str] = {}
    for name, value in environ.items():
        if name.lower().endswith("_proxy") and value.lower().startswith("socks://"):
            changed[name] = f"socks5h{value[5:]}"
    direct = "no_proxy" if environ.get("no_proxy") else "NO_PROXY"
    rules = environ.get(direct, "").replace(" ", "")
    changed[direct] = "*" if "*" in rules.split(",") else f"{rules},{_THIS_MACHINE}".removeprefix(",")
    file = environ.get(trust.FILE)
    if file and not any(environ.get(name) for name in _OTHERS):
        changed[_OTHERS[0]] = file
    return dict(environ) | changed


def trouble(said: str, environ: Mapping[str, str]) -> Trouble | None:
    """What pip says of the network; None where it says nothing of it."""
    try:
        proxy = _proxy(environ)
    except Blocked as error:
        return error.trouble
    index = environ.get("PIP_INDEX_URL") or INDEX
    if (found := _UNTRUSTED.search(said)) is not None:
        way = f", by way of {proxy}" if proxy is not None else ""
        reason = f"the certificate of {urlsplit(index).hostname} was refused: {found[1].strip()}{way}"
        own = next((name for name in ("PIP_CERT", *_OTHERS) if environ.get(name)), None)
        hint = f"pip trusts the certificates of {own} ({environ[own]})" if own else trust.advice(environ)
        return Trouble(reason, hint)
    if (found := _BUNDLE.search(said)) is not None:
        names = [name for name in (trust.FILE, *_OTHERS, "PIP_CERT") if environ.get(name) == found[1]]
        whose = names[0] if names else "pip's cert setting"
        return Trouble(f"{whose} names {found[1]}, which cannot be read", f"correct or unset {whose}")
    if proxy is not None:
        return _of_proxy(said, index, proxy)
    if _NO_NAME.search(said):
        return Trouble(f"the name {urlsplit(index).hostname} is not known")
    return None


def _of_proxy(said: str, index: str, proxy: Proxy) -> Trouble | None:
    if "dependencies for SOCKS" in said:
        mend = f"env -u {proxy.variable} {sys.executable} -m pip install pysocks"
        return Trouble(f"pip needs the Python package PySocks for {proxy}", mend)
    if (found := _TUNNEL.search(said)) is not None:
        return refused(proxy, index, found[1])
    if "ProxyError" in said or "SOCKSHTTP" in said:
        return Trouble(f"{proxy} could not be reached, or refused", f"check {proxy.variable}")
    return None


def _proxy(environ: Mapping[str, str]) -> Proxy | None:
    """The proxy that pip takes: its own setting goes before the variables of all."""
    if environ.get("PIP_PROXY"):
        found = proxy_for(INDEX, {"https_proxy": environ["PIP_PROXY"]})
        return Proxy(found.url, "PIP_PROXY") if found is not None else None
    return proxy_for(environ.get("PIP_INDEX_URL") or INDEX, environ)
