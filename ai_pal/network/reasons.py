"""What an exception of the network means, in words that name what failed and the variable that led there."""

import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from urllib.parse import urlsplit

from ai_pal.network.proxies import Proxy, host_of, proxy_for
from ai_pal.network.tls import of_tls
from ai_pal.network.trouble import Blocked, Trouble

LIBRARIES = frozenset({"httpx", "httpx2", "httpcore", "httpcore2", "socksio", "anyio"})

_NAME_SERVERS = (socket.EAI_AGAIN, socket.EAI_FAIL)
_CLOSED = ("RemoteProtocolError", "EndOfStream", "ReadError", "IncompleteRead")


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception and what is behind it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from chain(error.exceptions[0])
        error = error.__cause__ or error.__context__


def is_of_network(error: BaseException) -> bool:
    """Whether an exception is the network's or of those who speak with it."""
    library = type(error).__module__.partition(".")[0]
    return isinstance(error, OSError | Blocked) or library in LIBRARIES


def trouble_of(
    links: Sequence[BaseException], url: str, environ: Mapping[str, str], tls: str = ""
) -> Trouble:
    """Why asking `url` failed. `tls` is whom the last TLS handshake was with, where that is known."""
    for link in links:
        if isinstance(link, Blocked):
            return link.trouble
    try:
        proxy = proxy_for(url, environ)
    except Blocked as error:
        return error.trouble
    except ValueError:  # the URL is none
        proxy = None
    for link in links:
        if isinstance(link, ssl.SSLError):
            return of_tls(link, url, environ, proxy, tls)
        found = _of_proxy(link, url, proxy) if proxy is not None else _of_server(link, url)
        if found is not None:
            return found
    closed = any(type(link).__name__ in _CLOSED for link in links)
    reason = "the connection was closed" if closed else "the connection failed"
    return Trouble(reason) if proxy is None else Trouble(f"{reason}, by way of {proxy}", _check(proxy))


def refused(proxy: Proxy, url: str, said: str) -> Trouble:
    """A proxy has said no. `said` begins with an HTTP status, or holds the library's words about SOCKS."""
    found = re.match(r"(\d{3})\b", said, re.ASCII)
    status = int(found[1]) if found else 0
    where = urlsplit(url).netloc.rpartition("@")[2]
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED or re.search("AUTH|USERNAME|username", said):
        wants = "another name and password" if "@" in urlsplit(proxy.url).netloc else "a name and a password"
        kind = proxy.url.partition("://")[0]
        hint = f"{proxy.variable}={kind}://name:password@host:port"
        return Trouble(f"{proxy} wants {wants}{_status(status)}", hint)
    hint = f"ask who runs it; NO_PROXY={urlsplit(url).hostname} where none is needed"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or "could not connect" in said:
        why = _status(status) or f" ({said.rpartition(': ')[2].rstrip('.').lower()[:60]})"
        return Trouble(f"{proxy} could not reach {where}{why}", hint)
    return Trouble(f"{proxy} does not let {where} through{_status(status)}", hint)


def refusal(url: str, status: int, headers: Mapping[str, str], environ: Mapping[str, str]) -> Trouble | None:
    """What a proxy for plain HTTP, which the request itself goes to, says instead of the server behind it:
    None where it is the server that speaks (RFC 9110, 15.5.8; RFC 9209)."""
    if status < HTTPStatus.BAD_REQUEST:
        return None
    its_own = "error=" in headers.get("proxy-status", "") or "x-squid-error" in headers
    if status != HTTPStatus.PROXY_AUTHENTICATION_REQUIRED and not its_own:
        return None
    proxy = proxy_for(url, environ)
    return refused(proxy, url, str(status)) if proxy is not None else None


def by_way_of(url: str, environ: Mapping[str, str]) -> str:
    """What to add where nothing is known but that it took too long: "" without a proxy."""
    try:
        proxy = proxy_for(url, environ)
    except (Blocked, ValueError):
        return ""
    return f", by way of {proxy}" if proxy is not None else ""


def _status(status: int) -> str:
    try:
        return f" ({status} {HTTPStatus(status).phrase})"
    except ValueError:
        return f" (HTTP {status})" if status else ""


def _of_server(link: BaseException, url: str) -> Trouble | None:
    """What an exception says of a server that is asked directly."""
    if isinstance(link, socket.gaierror):
        host = host_of(url) or "of the server"
        if link.errno in _NAME_SERVERS:
            return Trouble(f"no name server answered for the name {host}", "check the network")
        return Trouble(f"the name {host} is not known")
    if isinstance(link, OSError) and link.errno:
        return Trouble(os.strerror(link.errno).lower())
    return None


def _of_proxy(link: BaseException, url: str, proxy: Proxy) -> Trouble | None:
    """What an exception says of a proxy: nobody else is connected to."""
    if type(link).__name__ == "ProxyError":
        return refused(proxy, url, str(link))
    if isinstance(link, socket.gaierror):
        silent = link.errno in _NAME_SERVERS
        what = "no name server answered for the name of" if silent else "nobody knows the name of"
        return Trouble(f"{what} {proxy}", _check(proxy))
    if isinstance(link, OSError) and link.errno:
        return Trouble(f"{proxy}: {os.strerror(link.errno).lower()}", _check(proxy))
    if type(link).__module__.partition(".")[0] == "socksio":
        return Trouble(f"{proxy} does not answer as a SOCKS proxy does", _check(proxy))
    return None


def _check(proxy: Proxy) -> str:
    return f"check {proxy.variable}; NO_PROXY names the hosts that need no proxy"
