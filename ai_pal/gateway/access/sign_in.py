"""Signed in with a browser: a cookie that stands for a key, says nothing of it, and dies with it. Pure.

Cookies are not told apart by ports: another server of the same host is sent this one too. So it holds no key,
is good for the page only, and for so long."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie

from ai_pal.config.client_keys import ClientKey, Keys

NAME = "ai-pal-page"
SECONDS = 30 * 86_400


def token(name: str, key: ClientKey, until: int) -> str:
    """What the cookie holds. Who signs it knows the hash of the key, which is in a file of its owner's."""
    return f"{base64.urlsafe_b64encode(name.encode()).decode()}.{until}.{_signature(name, key, until)}"


def holder(headers: Mapping[str, str], keys: Keys, now: float) -> str:
    """The name of the key that this browser has shown; "" for none, and for one that is none any more."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(NAME)
        encoded, until, signature = (found.value if found else "").split(".")
        name = base64.urlsafe_b64decode(encoded).decode()
        late = now >= int(until)
    except (ValueError, CookieError):
        return ""
    key = keys.get(name)
    if key is None or late or key.expired(now):
        return ""
    return name if hmac.compare_digest(signature, _signature(name, key, int(until))) else ""


def cookie(value: str, *, tls: bool) -> bytes:
    """The header that sets it; an empty value takes it away."""
    seconds = SECONDS if value else 0
    secure = "; Secure" if tls else ""
    return f"{NAME}={value}; Path=/page; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}".encode()


def _signature(name: str, key: ClientKey, until: int) -> str:
    said = f"page {until} {name}".encode()
    return hmac.new(key.sha256.encode(), said, hashlib.sha256).hexdigest()
