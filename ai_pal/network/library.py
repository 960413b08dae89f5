"""Proxies and certificates as the HTTP libraries take them (`httpx`, `httpx2`: SDKs differ in theirs)."""

import importlib.util
import os
import ssl
import threading
from types import ModuleType
from typing import Any

from ai_pal.errors import pip_install
from ai_pal.network import trust
from ai_pal.network.proxies import Proxy
from ai_pal.network.trouble import Blocked


class Ways:
    """The ways out of this process, by its environment. May be used by several threads."""

    def __init__(self) -> None:
        self._trusted: ssl.SSLContext | None = None
        self._lock = threading.Lock()

    def options(
        self, library: ModuleType, proxy: Proxy | None, *, secure: bool, certificate: str = ""
    ) -> dict[str, Any]:
        """What a client or a transport is made with. `secure` says that TLS is spoken with those who are
        asked; with a `certificate` that one alone is trusted. Raises `Blocked`."""
        pinned = trust.only(certificate) if certificate else None
        return {
            "trust_env": False,
            "verify": pinned or (self._context() if secure else trust.of_nobody()),
            "proxy": self._proxy(library, proxy) if proxy is not None else None,
        }

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            if self._trusted is None:
                self._trusted = trust.trusting(os.environ)
            return self._trusted

    def _proxy(self, library: ModuleType, proxy: Proxy) -> Any:
        if proxy.is_socks and importlib.util.find_spec("socksio") is None:
            raise Blocked(f"{proxy} needs the Python package socksio", pip_install("socksio"))
        try:
            url = library.URL(proxy.url)
        except library.InvalidURL:
            reason = f"{proxy.variable} holds no address of a proxy"
            raise Blocked(reason, f"{proxy.variable}=http://host:port") from None
        return library.Proxy(url, ssl_context=self._context() if url.scheme == "https" else None)
