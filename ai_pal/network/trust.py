"""Whose certificates are trusted: those of SSL_CERT_FILE and SSL_CERT_DIR, else those of this system."""

import base64
import os
import ssl
from collections.abc import Mapping

from ai_pal.network.trouble import Blocked

FILE, FOLDER = "SSL_CERT_FILE", "SSL_CERT_DIR"
_CORRECT = f"correct or unset {FILE}"

OF_OTHERS = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
"""Where other programs look for certificates; whoever has set one of them thinks of SSL_CERT_FILE last."""


def trusting(environ: Mapping[str, str]) -> ssl.SSLContext:
    """What TLS connections are checked with. Raises `Blocked` where SSL_CERT_FILE cannot be used."""
    file, folder = environ.get(FILE), environ.get(FOLDER)
    if not file and not folder:
        return _of_system()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # What somebody has chosen to trust is trusted, whether or not it signed itself.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        context.load_verify_locations(file or None, folder or None)
    except ssl.SSLError:
        raise Blocked(f"{FILE} names {file}, which holds no certificate", _CORRECT) from None
    except OSError as error:
        why = os.strerror(error.errno or 0).lower()
        raise Blocked(f"{FILE} names {file}, which cannot be read: {why}", _CORRECT) from None
    return context


def only(certificate: str) -> ssl.SSLContext:
    """For a server with this certificate (base64 of its DER) and for no other, whatever name it has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False  # the certificate itself is who it is
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.load_verify_locations(cadata=base64.b64decode(certificate))
    return context


def of_nobody() -> ssl.SSLContext:
    """For connections that are plain anyway: it costs nothing, and lets nothing pass."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def trusted(environ: Mapping[str, str]) -> str:
    """Whose certificates count, for people."""
    named = [f"{name} ({environ[name]})" for name in (FILE, FOLDER) if environ.get(name)]
    return " and ".join(named) or "this system"


def advice(environ: Mapping[str, str]) -> str:
    """How to trust a certificate that is not trusted yet."""
    folder = environ.get(FOLDER)
    if folder and not any(os.path.isdir(one) for one in folder.split(os.pathsep)):
        return f"{FOLDER} names {folder}, which is no folder"
    elsewhere = next((name for name in OF_OTHERS if environ.get(name)), None)
    if elsewhere and not environ.get(FILE):
        return f"{elsewhere} does not count here: {FILE}={environ[elsewhere]}"
    return f"trusted are the certificates of {trusted(environ)}; {FILE}=/path/of/its/root.pem trusts another"


def _of_system() -> ssl.SSLContext:
    import httpx2

    context = httpx2.create_ssl_context(trust_env=False)
    if not context.get_ca_certs() and not _has_folder():
        try:
            import certifi
        except ImportError:
            return context
        context.load_verify_locations(certifi.where())
    return context


def _has_folder() -> bool:
    folder = ssl.get_default_verify_paths().openssl_capath
    return os.path.isdir(folder) and bool(os.listdir(folder))
