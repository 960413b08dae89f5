"""From what went wrong with a connection to the one error taxonomy, for all providers."""

import os
from collections.abc import Mapping, Sequence

from ai_pal.egress.providers.failures.taxonomy import failure
from ai_pal.egress.providers.http.traffic import BadResponse, Traffic
from ai_pal.errors import Code, Failure
from ai_pal.network.reasons import by_way_of, chain, is_of_network, trouble_of
from ai_pal.network.trouble import Blocked, Trouble


def of_transport(
    name: str, error: Exception, traffic: Traffic, environ: Mapping[str, str] = os.environ
) -> Failure:
    """What an error of the connection, or of what was read from it, means."""
    links = list(chain(error))
    blocked = any(isinstance(link, Blocked) for link in links)
    ours = not any(isinstance(link, BadResponse) or is_of_network(link) for link in links)
    if traffic.left and not blocked:
        trouble = Trouble("it sent what cannot be read") if ours else _trouble(links, traffic, environ)
        what = "the answer from" if traffic.sent else "sending the prompt to"
        hint = trouble.hint or f"ask again; if that does not help, check base_url of {name}"
        return failure(Code.STREAM_BROKEN, f"{what} {name} broke off: {trouble.reason}", hint)
    if ours:
        return failure(Code.INTERNAL, f"asking {name} failed: {type(error).__name__}", "look at: ai-pal logs")
    trouble = _trouble(links, traffic, environ)
    hint = trouble.hint or f"check that it runs, base_url of {name}, and the network"
    return failure(Code.PROVIDER_UNREACHABLE, f"{name} could not be reached: {trouble.reason}", hint)


def too_late(name: str, traffic: Traffic, seconds: float, environ: Mapping[str, str] = os.environ) -> Failure:
    """Nothing of the answer came within the seconds of a phase."""
    way = by_way_of(traffic.url, environ)
    if not traffic.left:
        hint = f"check that it runs, and the network{', and the proxy' if way else ''}"
        return failure(Code.CONNECT_TIMEOUT, f"{name} took no connection within {seconds:g} s{way}", hint)
    what = "sent no text" if traffic.sent else "took only a part of the prompt"
    hint = "try again, or allow more: first_token_timeout"
    return failure(Code.FIRST_TOKEN_TIMEOUT, f"{name} {what} within {seconds:g} s{way}", hint)


def _trouble(links: Sequence[BaseException], traffic: Traffic, environ: Mapping[str, str]) -> Trouble:
    for link in links:
        if isinstance(link, BadResponse):
            return Trouble(str(link))
    return trouble_of(links, traffic.url, environ, traffic.tls)
