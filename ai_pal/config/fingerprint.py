"""What a client compares to see whether a supervisor runs with other settings than its own."""

import os
import zlib
from collections.abc import Mapping

import msgspec

from ai_pal.config.clouds import ollama_url
from ai_pal.config.egress_environment import digest_of
from ai_pal.config.settings import Settings


def digest(settings: Settings, environ: Mapping[str, str] = os.environ) -> str:
    """A short hash: equal settings, equal digest. Travels in `Welcome`, so that a client sees
    whether a supervisor runs with other settings than its own, asks another Ollama server, or downloads
    with other tokens and proxies. Checksums, nothing secret."""
    said = msgspec.json.encode(settings, order="sorted")
    ollama = ollama_url(settings, environ).encode(errors="surrogateescape")
    return f"{zlib.crc32(said + ollama):08x}{digest_of(environ)}"
