"""A connection that all rows share."""

from collections.abc import Iterator

import httpx2
import pytest


@pytest.fixture(scope="session")
def http(gateway: str) -> Iterator[httpx2.Client]:
    """One client, kept open; bodies are JSON. The starter is loaded before: a status that waits for it longer
    than a sign of life takes is a 200."""
    headers = {"content-type": "application/json"}
    with httpx2.Client(base_url=gateway, timeout=120, headers=headers) as client:
        client.post("/api/generate", json={"model": "smollm2"}).raise_for_status()
        yield client
