"""What the egress process gets to see of the environment, on top of what every worker does."""

import os
from collections.abc import Mapping

from ai_pal.config.provider_access import CLOUDS, KEY_PREFIX, KEYRING_VARIABLES, variables

_NAMES = {
    *("HF_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HF_HUB_OFFLINE", "HF_HOME", "HF_HUB_CACHE"),
    "TRANSFORMERS_OFFLINE",
    *("HUGGINGFACE_HUB_CACHE", "HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT"),
    *("XDG_CACHE_HOME", "XDG_CONFIG_HOME"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"),
    *(name for cloud in CLOUDS for name in variables(cloud)),
}
_PIP = "PIP_"
_PREFIXES = (_PIP, KEY_PREFIX)

_PATHS = {
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC", "PIP_CERT"),
    *("PIP_CONFIG_FILE", "HF_TOKEN_PATH"),
}
"""They may be meant from where the user stands, and the egress process stands elsewhere."""

_PLACES = {"AI_PAL_HOME", "AI_PAL_CONFIG", *KEYRING_VARIABLES}
"""Where the config file and the keyring are. They differ between a shell and cron, for nothing."""

_LOGIN = ("SSH_AUTH_SOCK", "USER", "LOGNAME", "KRB5CCNAME", "XDG_RUNTIME_DIR")

_RAY = (
    *("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"),
    *("RAY_USE_TLS", "RAY_TLS_SERVER_CERT", "RAY_TLS_SERVER_KEY", "RAY_TLS_CA_CERT"),
    "RAY_TMPDIR",
)

_FIXED = {
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # Plain HTTP can be resumed to the byte, stopped within a chunk, and watched.
    "HF_HUB_DISABLE_XET": "1",
}


def egress_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Keys, tokens, proxies, certificates and mirrors. No other process of ours is given them."""
    places = {name: environ[name] for name in sorted(_PLACES) if name in environ}
    return _chosen(environ) | places | _FIXED


def machines_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What `ssh` logs in with. No key of a provider is among it."""
    return {name: environ[name] for name in _LOGIN if name in environ}


def cluster_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What the cluster process comes to its nodes with: by `ssh`, or as one that Ray knows."""
    return machines_environment(environ) | {name: environ[name] for name in _RAY if name in environ}


def compared(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Keys, tokens and proxies that the egress process sees. A supervisor keeps those it was started with, so
    a client with others has to notice; what pip is told travels with the request (`pip_settings`)."""
    return {name: value for name, value in _chosen(environ).items() if value and not name.startswith(_PIP)}


def pip_settings(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What is set for pip: it travels with each request that may fetch something."""
    return {name: value for name, value in _chosen(environ).items() if name.startswith(_PIP)}


def is_offline(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the hub may not be asked, as huggingface_hub reads it."""
    said = environ.get("HF_HUB_OFFLINE") or environ.get("TRANSFORMERS_OFFLINE") or ""
    return said.upper() in ("1", "ON", "YES", "TRUE")


def _chosen(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        name: _from_here(value) if name in _PATHS else value
        for name, value in environ.items()
        if name.upper() in _NAMES or name.startswith(_PREFIXES)
    }


def _from_here(paths: str) -> str:
    try:
        return os.pathsep.join(os.path.abspath(path) if path else "" for path in paths.split(os.pathsep))
    except OSError:  # the folder that the user stands in is gone
        return paths
