"""A connection that all rows share."""

from collections.abc import Iterator

import httpx2
import pytest


@pytest.fixture(scope="session")
def http(gateway: str) -> Iterator[httpx2.Client]:
    """One client, kept open; bodies are JSON."""
    headers = {"content-type": "application/json"}
    with httpx2.Client(base_url=gateway, timeout=120, headers=headers) as client:
        yield client
