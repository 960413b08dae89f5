"""Free memory, over file trees like those of the kernel."""

from pathlib import Path

from ai_pal.memory.cgroup import groups
from ai_pal.memory.machine import MachineMemory, stalled

GB = 1_000_000_000
MEMINFO = "MemTotal: 24000000 kB\nMemFree: 100 kB\nMemAvailable:   8000000 kB\n"
MOUNT_V2 = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
MOUNT_V1 = "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"


def tree(root: Path, files: dict[str, object]) -> Path:
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(str(content))
    return root


def v2(tmp_path: Path, **files: object) -> Path:
    group = "sys/fs/cgroup/user.slice/mine.scope"
    return tree(
        tmp_path,
        {
            "proc/meminfo": MEMINFO,
            "proc/self/cgroup": "0::/user.slice/mine.scope\n",
            "proc/self/mountinfo": MOUNT_V2,
            f"{group}/memory.current": 2 * GB,
            f"{group}/memory.stat": f"anon 5\nactive_file {GB // 2}\ninactive_file {GB // 4}\n",
        }
        | {f"{group}/memory.{name}": content for name, content in files.items()},
    )


def test_without_groups_it_is_what_the_machine_has(tmp_path: Path) -> None:
    assert MachineMemory(tree(tmp_path, {"proc/meminfo": MEMINFO})).free() == 8_000_000 * 1024


def test_version_2_counts_the_rest_and_the_cache(tmp_path: Path) -> None:
    assert MachineMemory(v2(tmp_path, max=3 * GB)).free() == GB + GB // 2 + GB // 4


def test_version_2_without_a_limit_bounds_nothing(tmp_path: Path) -> None:
    assert MachineMemory(v2(tmp_path, max="max")).free() == 8_000_000 * 1024


def test_the_limit_at_which_a_group_is_slowed_down_counts_too(tmp_path: Path) -> None:
    assert MachineMemory(v2(tmp_path, max=5 * GB, high=3 * GB)).free() == GB + GB // 2 + GB // 4


def test_a_group_above_may_be_the_tightest(tmp_path: Path) -> None:
    above = "sys/fs/cgroup/user.slice"
    tight = {f"{above}/memory.{name}": value for name, value in (("max", 2 * GB), ("current", 2 * GB - 7))}
    root = tree(v2(tmp_path, max=3 * GB), tight | {f"{above}/memory.stat": "anon 1\n"})
    assert MachineMemory(root).free() == 7


def test_version_1_counts_the_whole_tree_below(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/memory/box"
    files = {
        "proc/meminfo": MEMINFO,
        "proc/self/cgroup": "8:pids:/\n4:memory:/box\n0::/\n",
        "proc/self/mountinfo": MOUNT_V1 + MOUNT_V2.replace("/sys/fs/cgroup ", "/sys/fs/cgroup/unified "),
        f"{group}/memory.limit_in_bytes": 2 * GB,
        f"{group}/memory.usage_in_bytes": GB,
        f"{group}/memory.stat": "active_file 9\ntotal_active_file 300\ntotal_inactive_file 40\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": 9223372036854771712,
    }
    assert MachineMemory(tree(tmp_path, files)).free() == GB + 340


def test_in_a_container_paths_count_from_what_is_mounted(tmp_path: Path) -> None:
    tree(tmp_path, {"sys/fs/cgroup/memory/inner/memory.limit_in_bytes": GB})
    mount = MOUNT_V1.replace(" / /sys", " /docker/abc /sys")
    found = groups("4:memory:/docker/abc/inner\n", mount, tmp_path)
    assert [str(group.folder.relative_to(tmp_path)) for group in found] == [
        "sys/fs/cgroup/memory/inner",
        "sys/fs/cgroup/memory",
    ]


def test_pressure_is_the_share_of_time_in_which_some_wait() -> None:
    assert stalled("some avg10=12.34 avg60=1.0 avg300=0 total=5\nfull avg10=99.0 total=1\n") == 12.34
    assert stalled("") == 0.0


def test_the_group_s_pressure_counts_where_it_is_higher(tmp_path: Path) -> None:
    root = v2(tmp_path, max="max", pressure="some avg10=42.00 avg60=0\n")
    tree(root, {"proc/pressure/memory": "some avg10=1.00 avg60=0\n"})
    assert MachineMemory(root).pressure() == 42.0


def test_this_machine_has_memory() -> None:
    assert MachineMemory().free() > 1_000_000


def test_a_limit_bounds_what_could_ever_be_had(tmp_path: Path) -> None:
    assert MachineMemory(v2(tmp_path, max=GB // 2)).total() == GB // 2
    assert MachineMemory(v2(tmp_path, max="max")).total() > GB // 2
