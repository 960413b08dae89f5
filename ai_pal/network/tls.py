"""What a failed TLS handshake means: whose certificate it was, what is wrong with it, and what to do."""

import ssl
from collections.abc import Mapping

from ai_pal.network import trust
from ai_pal.network.proxies import Proxy, host_of
from ai_pal.network.trouble import Trouble

_FOUND = {
    9: "is not valid yet",
    10: "has expired",
    18: "is self-signed, and not one of those that are trusted",
    19: "is signed by somebody who is not trusted",
    20: "is signed by somebody who is not trusted",
    21: "is signed by somebody who is not trusted",
    23: "was revoked",
    62: "is made out to another name",
    64: "is made out to another address",
}
"""What OpenSSL finds about a certificate (X509_V_ERR_*)."""

_OF_TIME, _OF_NAMES = (9, 10), (62, 64)

_NO_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE")
"""What OpenSSL calls an answer that is plain text."""


def of_tls(
    error: ssl.SSLError, url: str, environ: Mapping[str, str], proxy: Proxy | None, tls: str
) -> Trouble:
    """What the exception says of the server at `url`, or of a proxy that speaks TLS itself. `tls` is whom the
    handshake was with, where that is known."""
    host = host_of(url) or "the server"
    own = proxy is not None and proxy.url.startswith("https:") and tls == proxy.host
    whose = str(proxy) if own else host
    way = f", by way of {proxy}" if proxy is not None and not own else ""
    if isinstance(error, ssl.SSLCertVerificationError):
        found = _FOUND.get(error.verify_code) or f"was refused: {error.verify_message}"
        hint = _hint(error.verify_code, environ, way)
        return Trouble(f"the certificate of {whose} {found}{way}", hint)
    if error.reason in _NO_TLS:
        other = f"{proxy.variable}=http://..." if proxy is not None and own else "http:// in its address"
        return Trouble(f"{whose} does not answer with TLS{way}", f"if it speaks none: {other}")
    what = (error.reason or "").replace("_", " ").lower() or "the connection was closed"
    return Trouble(f"the TLS handshake with {whose} failed: {what}{way}")


def _hint(found: int, environ: Mapping[str, str], way: str) -> str:
    if found in _OF_TIME:
        return "check the clock of this machine; else whoever runs it has to renew it"
    if found in _OF_NAMES:
        return "its address must hold a name that the certificate holds"
    opened = "a proxy that opens TLS has a root certificate of its own: " if way else ""
    return opened + trust.advice(environ)
