"""How many threads suit the machine."""

import os
from pathlib import Path

import pytest

from workers import threads


def cgroup(tmp_path: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A cgroup tree with these files, and a membership file."""
    root, member = tmp_path / "cgroup", tmp_path / "self"
    root.mkdir()
    member.write_text(membership)
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root, member


def test_version_2_quota(tmp_path: Path) -> None:
    paths = cgroup(tmp_path, "0::/user/app\n", {"user/app/cpu.max": "150000 100000\n"})
    assert threads.cpu_quota(*paths) == 1.5


def test_version_2_without_a_limit(tmp_path: Path) -> None:
    paths = cgroup(tmp_path, "0::/app\n", {"app/cpu.max": "max 100000\n"})
    assert threads.cpu_quota(*paths) is None


def test_the_smallest_quota_up_to_the_root_counts(tmp_path: Path) -> None:
    files = {"a/b/cpu.max": "400000 100000\n", "a/cpu.max": "100000 100000\n"}
    assert threads.cpu_quota(*cgroup(tmp_path, "0::/a/b\n", files)) == 1.0


def test_version_1_quota(tmp_path: Path) -> None:
    files = {"cpu,cpuacct/x/cpu.cfs_quota_us": "50000\n", "cpu,cpuacct/x/cpu.cfs_period_us": "100000\n"}
    assert threads.cpu_quota(*cgroup(tmp_path, "4:cpu,cpuacct:/x\n3:memory:/y\n", files)) == 0.5


def test_version_1_without_a_limit(tmp_path: Path) -> None:
    files = {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}
    assert threads.cpu_quota(*cgroup(tmp_path, "1:cpu:/\n", files)) is None


def test_no_cgroup_at_all(tmp_path: Path) -> None:
    assert threads.cpu_quota(tmp_path, tmp_path / "missing") is None


def test_usable_cores_never_exceed_quota_or_affinity(tmp_path: Path) -> None:
    root, member = cgroup(tmp_path, "0::/\n", {"cpu.max": "50000 100000\n"})
    assert threads.usable_cores(root, member) == 1
    available = len(os.sched_getaffinity(0))
    assert threads.usable_cores(tmp_path, tmp_path / "missing") == available


@pytest.mark.parametrize("cores", [1, 2, 4, 8, 64])
def test_the_default_is_between_one_and_the_cores(cores: int) -> None:
    assert 1 <= threads.count_for(cores) <= cores
