"""What the pool holds to: the bounds and budgets that settings say."""

import msgspec

from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.members.replicas import Pace


class PoolPolicy(msgspec.Struct, frozen=True):
    """Bounds and budgets. `queue_size` counts waiting requests per model; seconds elsewhere."""

    worker: lifecycle.Policy = lifecycle.Policy()
    queue_size: int = 512
    keep_alive: float = 300.0
    cancel_timeout: float = 15.0
    spare_engines: tuple[str, ...] = ()
    log_prompts: bool = False
    replicas: Pace = Pace()
