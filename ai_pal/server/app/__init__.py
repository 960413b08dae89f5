"""The supervisor as a program: the only place that names concrete classes and puts them together."""

from ai_pal.server.app.daemon import Hosting
from ai_pal.server.app.running import run
from ai_pal.server.children.gateways import GatewaySpec

__all__ = ["GatewaySpec", "Hosting", "run"]
