"""Whether NO_PROXY lets a host go without a proxy: by names, domains, addresses, networks. Pure."""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import SplitResult

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

PORTS: Mapping[str, int] = {"http": 80, "https": 443}


def is_this_machine(host: str) -> bool:
    """Whether a host is this machine by its name or address: no proxy stands before it."""
    address = address_of(host)
    if address is not None:
        return address.is_loopback or address.is_unspecified
    name = host.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def is_bypassed(url: SplitResult, rules: str) -> bool:
    """Whether one of the rules, separated by commas or blanks, names the host of `url`."""
    return any(_names(rule, url) for rule in re.split(r"[\s,]+", rules) if rule)


def address_of(host: str) -> Address | None:
    """The address that a host is written as, None for a name."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _names(rule: str, url: SplitResult) -> bool:
    if rule == "*":
        return True
    scheme, separator, rest = rule.rpartition("://")
    if separator and scheme.lower() not in ("all", url.scheme):
        return False
    rest, port = _without_port(rest)
    if port is not None and port != (url.port or PORTS.get(url.scheme)):
        return False
    host = (url.hostname or "").rstrip(".")
    network, address = _network(rest), address_of(host)
    if network is not None:
        return address is not None and address in network
    name = rest.rstrip("/.").lower().removeprefix("*")
    if name.startswith("."):
        return host.endswith(name)
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _without_port(rule: str) -> tuple[str, int | None]:
    """`host:port` and `[address]:port` in two; an IPv6 address without brackets has no port."""
    found = re.fullmatch(r"(\[[^\]]*\]|[^:]*):(\d{1,5})", rule, re.ASCII)
    return (found[1], int(found[2])) if found else (rule, None)


def _network(rule: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    """The addresses that a rule such as `10.0.0.0/8`, `[::1]` or `fe80::/10` stands for."""
    address, slash, prefix = rule.partition("/")
    try:
        return ipaddress.ip_network(address.strip("[]").partition("%")[0] + slash + prefix, strict=False)
    except ValueError:
        return None
