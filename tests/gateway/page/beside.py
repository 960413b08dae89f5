"""What a page weighs and costs its browser until it rests: ours, and that of llama.cpp's own server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from playwright.sync_api import Browser

from ai_pal.catalog import CATALOG, artifact_path
from ai_pal.config import load_settings
from scripts.benchmarks.llama_server import llama_server

RESTS = 3000
"""Milliseconds after the prompt can be written."""


class Weighed(NamedTuple):
    """Bytes that came over the wire, requests for them, and seconds that the main thread has worked."""

    bytes: int
    requests: int
    busy: float


def weighed(browser: Browser, url: str, prompt: str) -> Weighed:
    """Open it with nothing cached; `prompt` finds where one writes."""
    context = browser.new_context(viewport={"width": 1180, "height": 780})
    page, came = context.new_page(), []
    session: Any = context.new_cdp_session(page)
    session.on("Network.loadingFinished", lambda event: came.append(int(event["encodedDataLength"])))
    session.send("Network.enable")
    counted(session)
    page.goto(url)
    page.locator(prompt).first.wait_for()
    page.wait_for_timeout(RESTS)
    found = Weighed(sum(came), len(came), busy(session))
    context.close()
    return found


def counted(session: Any) -> None:
    """Begin to count how long the main thread works, by its own clock: other programs do not count."""
    session.send("Performance.enable", {"timeDomain": "threadTicks"})


def busy(session: Any) -> float:
    """Seconds that the main thread has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == "TaskDuration")


@contextmanager
def llama_page() -> Iterator[str]:
    """Where llama.cpp's page is."""
    artifact = CATALOG["smollm2"].artifact
    assert artifact is not None
    with llama_server(artifact_path(artifact, load_settings().settings), 1, 2) as url:
        yield url
