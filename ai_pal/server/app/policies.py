"""The supervisor's bounds and budgets as the settings have them."""

from ai_pal.config import Settings
from ai_pal.server.children.egress import EgressPolicy
from ai_pal.server.pool import lifecycle
from ai_pal.server.pool.admission.admission import MemoryPolicy
from ai_pal.server.pool.policy import PoolPolicy
from ai_pal.server.router.ports import RouterPolicy
from ai_pal.server.services.idle_calibration import IdlePolicy

SLOW_TO_IMPORT = ("transformers",)
"""Engines for which a spare worker saves seconds."""

PLACING_SECONDS = 45.0
"""What an engine of a cluster may take until an agent is on its node: then it says itself why none is."""


def pool_policy(settings: Settings) -> PoolPolicy:
    placing = PLACING_SECONDS if settings.cluster.on else 0.0
    worker = lifecycle.Policy(
        start_timeout=placing + settings.start_timeout,
        load_stall=settings.load_stall,
        memory_wait=settings.memory_wait,
        beat_timeout=settings.beat_timeout,
        engine_stall=settings.engine_stall,
        drain_timeout=max(settings.drain_seconds, 30.0),
    )
    return PoolPolicy(
        worker=worker,
        queue_size=settings.queue_size,
        keep_alive=settings.keep_alive,
        log_prompts=settings.log_prompts,
        spare_engines=SLOW_TO_IMPORT if settings.spare_worker else (),
    )


def memory_policy(settings: Settings) -> MemoryPolicy:
    return MemoryPolicy(
        budget=settings.memory_budget,
        low=settings.memory_low,
        pressure=settings.memory_pressure,
        max_loaded=settings.max_loaded_models,
    )


def idle_policy(settings: Settings) -> IdlePolicy:
    return IdlePolicy(settings.router.calibrate == "idle", settings.router.calibrate_after)


def egress_policy(settings: Settings) -> EgressPolicy:
    return EgressPolicy(start=settings.start_timeout, stall=settings.download_stall)


def router_policy(settings: Settings) -> RouterPolicy:
    return RouterPolicy(
        model=settings.model,
        goal=settings.optimization_goal,
        local_only=settings.local_only,
        mine=settings.mine,
        deadline=None if settings.deadline < 0 else settings.deadline,
        connect=settings.connect_timeout,
        queue=settings.queue_timeout,
        first_token=settings.first_token_timeout,
        gap=settings.gap_timeout,
        budget_day=settings.budget.day,
        budget_month=settings.budget.month,
        escalate=settings.router.escalate,
        share=settings.router.escalate_share,
        learn=settings.router.learn,
    )
