"""What has left, by the steps that an HTTP library tells."""

from types import SimpleNamespace

import anyio
import pytest

from ai_pal.egress.providers.http.traffic import Traffic

CONNECT = [
    ("connection.connect_tcp.started", None),
    ("http11.send_request_headers.started", b"CONNECT"),
    ("http11.send_request_headers.complete", None),
    ("http11.send_request_body.started", b"CONNECT"),
    ("http11.send_request_body.complete", None),
]
HEADERS = [("http11.send_request_headers.started", b"POST"), ("http11.send_request_headers.complete", None)]
BEGUN = [("http11.send_request_body.started", b"POST")]


@pytest.mark.parametrize("before", [[], CONNECT], ids=["direct", "by tunnel"])
@pytest.mark.parametrize("http", ["http11", "http2"])
@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (HEADERS, []),
        ([*HEADERS, *BEGUN], ["left"]),
        ([*HEADERS, *BEGUN, ("http11.send_request_body.failed", None)], ["left"]),
        ([*HEADERS, *BEGUN, ("http11.send_request_body.complete", None)], ["left", "sent"]),
    ],
)
def test_only_the_prompt_itself_leaves(
    before: list[tuple[str, bytes | None]],
    http: str,
    steps: list[tuple[str, bytes | None]],
    told: list[str],
) -> None:
    heard: list[str] = []
    traffic = Traffic(lambda: heard.append("left"), lambda: heard.append("sent"))

    async def trace() -> None:
        for event, method in [*before, *(((e.replace("http11", http)), m) for e, m in steps)]:
            await traffic.trace(event, {"request": SimpleNamespace(method=method)} if method else {})

    anyio.run(trace)
    assert heard == told
    assert (traffic.left, traffic.sent) == ("left" in told, "sent" in told)
