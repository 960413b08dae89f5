"""What `ai-pal doctor` says of the nodes of a cluster."""

from ai_pal.cli.setup.doctor.cluster import check_cluster
from ai_pal.config import Settings
from ai_pal.config.cluster_settings import ClusterSettings
from ai_pal.protocol.client import NodeStatus

NODES = Settings(model="m", cluster=ClusterSettings(engine="command", nodes={"a": "ssh a python"}))
GB = 10**9


def test_each_node_is_one_line() -> None:
    nodes = [
        NodeStatus("a", 2 * GB, 8 * GB, usual=True),
        NodeStatus("b", 2 * GB, 8 * GB, usual=False),
        NodeStatus("c", 2 * GB, 8 * GB, drained=True),
        NodeStatus("d", silent=True, usual=False),
        NodeStatus("e", 2 * GB, 8 * GB, other_version="0.0.9"),
    ]
    assert [(found.check, found.state, found.text) for found in check_cluster(NODES, nodes)] == [
        ("node a", "ok", "2.0 of 8.0 GB free, m is there"),
        ("node b", "warn", "2.0 of 8.0 GB free, m is not there"),
        ("node c", "ok", "2.0 of 8.0 GB free, drained"),
        ("node d", "warn", "does not answer"),
        ("node e", "warn", "has AI-PAL 0.0.9: nothing is started there"),
    ]
    assert [found.mend for found in check_cluster(NODES, nodes)][1] == "on that node: ai-pal pull m"


def test_what_nobody_knows_is_said_too() -> None:
    assert [found.state for found in check_cluster(NODES, None)] == ["ok"]
    assert [found.state for found in check_cluster(NODES, [])] == ["warn"]
    assert not list(check_cluster(Settings(), None))
