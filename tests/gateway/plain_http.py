"""Plain HTTP, one connection a request: without the certificates, which take ten times as long to read as an
answer to come, and with time enough on a busy machine."""

import ssl

import httpx2

SECONDS = 120.0

_CLIENT = httpx2.Client(
    verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT),
    limits=httpx2.Limits(max_keepalive_connections=0),
    timeout=SECONDS,
)
request, stream = _CLIENT.request, _CLIENT.stream
get, head, options, post = _CLIENT.get, _CLIENT.head, _CLIENT.options, _CLIENT.post
