"""Bounds that depend on more than one setting."""

import msgspec

from ai_pal.cluster.engine import START_SECONDS
from ai_pal.config import Settings
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.server.app.policies import pool_policy


def test_a_worker_on_a_node_has_the_time_of_its_engine_on_top_of_its_own() -> None:
    settings = Settings()
    here = pool_policy(settings).worker.start_timeout
    on_nodes = msgspec.structs.replace(settings, cluster=ClusterSettings(engine="command"))
    assert here == settings.start_timeout
    assert pool_policy(on_nodes).worker.start_timeout == settings.start_timeout + START_SECONDS
