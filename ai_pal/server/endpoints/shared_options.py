"""Requests that ask with the same options hold them together: most programs never change theirs."""

import msgspec

from ai_pal.protocol import client as wire

MOST, LARGEST = 64, 4096
"""How many options are remembered, and of how many bytes at most: a schema may be large."""

_encode = msgspec.msgpack.Encoder().encode


class SharedOptions:
    """The options of the latest requests. Those count as the same that have the same bytes: for Python
    `True` equals 1, for a server it does not."""

    def __init__(self) -> None:
        self._known: dict[bytes, object] = {}

    def of(self, request: wire.AnyRequest) -> wire.AnyRequest:
        """The same request, with options that others have too."""
        if not isinstance(request, wire.Chat | wire.Complete | wire.CountTokens):
            return request
        octets = _encode(request.options)
        if len(octets) > LARGEST:
            return request
        known = self._known.get(octets)
        if known is not None:
            return msgspec.structs.replace(request, options=known)
        if len(self._known) == MOST:
            del self._known[next(iter(self._known))]
        self._known[octets] = request.options
        return request
