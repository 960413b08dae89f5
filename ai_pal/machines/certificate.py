"""The certificate of a machine's own gateway: looked at once, when the machine is added, and pinned."""

import base64
import hashlib
import socket
import ssl
from urllib.parse import urlsplit

from ai_pal.errors import Code, fail

LOOK_SECONDS = 5.0
TLS_PORT = 443


def certificate_at(name: str, url: str) -> str:
    """What the server there shows, whoever it is: base64 of its DER. Nothing is sent. Raises `AiPalError`."""
    parts = urlsplit(url)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is about to be looked at
    where = (parts.hostname or "", parts.port or TLS_PORT)
    try:
        with (
            socket.create_connection(where, LOOK_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            shown = secure.getpeercert(binary_form=True)
    except ssl.SSLError:
        hint = "let its gateway have TLS: certificate and key in [http] of its settings"
        fail(Code.PROVIDER_UNREACHABLE, f"{name} does not answer with TLS at {url}", hint)
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
        fail(
            Code.PROVIDER_UNREACHABLE, f"{name} could not be reached at {url}: {why}", "is `ai-pal serve` up?"
        )
    return base64.b64encode(shown or b"").decode()


def fingerprint(certificate: str) -> str:
    """As `openssl x509 -noout -fingerprint -sha256` names it, without the colons."""
    return f"SHA256:{hashlib.sha256(base64.b64decode(certificate)).hexdigest().upper()}"


def same_fingerprint(one: str, other: str) -> bool:
    """Whether two texts are the same fingerprint: with or without colons, however it is introduced."""
    return _bare(one) == _bare(other)


def _bare(text: str) -> str:
    return text.upper().removeprefix("SHA256:").removeprefix("SHA256 FINGERPRINT=").replace(":", "")
