"""Control groups, v1 and v2: what this process may still take before its group's limit. Linux only."""

from pathlib import Path, PurePosixPath

import msgspec

UNLIMITED = 1 << 60
"""Limits above this are how version 1 writes that there is none."""


class Group(msgspec.Struct, frozen=True):
    """A folder of a memory controller, and the names of its files."""

    folder: Path
    version: int

    def limit(self) -> int | None:
        """What its processes may take together, in bytes; None without a limit. Raises OSError and
        ValueError."""
        names = ("memory.max", "memory.high") if self.version == 2 else ("memory.limit_in_bytes",)
        bounds = [number for name in names if (number := _limit(self.folder / name)) is not None]
        return min(bounds, default=None)

    def rest(self) -> int | None:
        """Bytes up to the limit, with the cache that the kernel would give back; None without a limit."""
        usage = "memory.current" if self.version == 2 else "memory.usage_in_bytes"
        prefix = "" if self.version == 2 else "total_"
        try:
            limit = self.limit()
            if limit is None:
                return None
            used = int((self.folder / usage).read_text())
            cache = reclaimable((self.folder / "memory.stat").read_text(), prefix)
        except (OSError, ValueError):
            return None
        return limit - used + cache

    def pressure(self) -> Path | None:
        """The file that says how long processes of the group wait for memory, where there is one."""
        file = self.folder / "memory.pressure"
        return file if self.version == 2 and file.exists() else None


def groups(self_cgroup: str, mountinfo: str, root: Path = Path("/")) -> list[Group]:
    """This process's memory groups, from its own up to the root of each hierarchy.

    The texts are those of /proc/self/cgroup and /proc/self/mountinfo; `root` is where mount points start."""
    found = []
    for line in self_cgroup.splitlines():
        _number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        version = 2 if not controllers else 1
        if version == 2 or "memory" in controllers.split(","):
            found += _ancestors(path, version, mountinfo, root)
    return found


def reclaimable(stat: str, prefix: str) -> int:
    """Bytes of page cache by the text of memory.stat."""
    wanted = {f"{prefix}inactive_file", f"{prefix}active_file"}
    lines = (line.split() for line in stat.splitlines())
    return sum(int(parts[1]) for parts in lines if len(parts) == 2 and parts[0] in wanted)


def _ancestors(path: str, version: int, mountinfo: str, root: Path) -> list[Group]:
    mount = _mount(version, mountinfo)
    if mount is None:
        return []
    top, point = mount
    group = PurePosixPath(path)
    # In a container the mount shows only a part of the hierarchy: paths count from that part's top.
    inside = group.relative_to(top) if group.is_relative_to(top) else group.relative_to("/")
    base = root / point.lstrip("/")
    folders = [base / inside, *(base / parent for parent in inside.parents)]
    return [Group(folder, version) for folder in folders if folder.is_dir()]


def _mount(version: int, mountinfo: str) -> tuple[str, str] | None:
    """The part of the hierarchy that is mounted, and where."""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        kind, _source, options = [*right.split(" ", 2), "", ""][:3]
        if (version == 2 and kind == "cgroup2") or (
            version == 1 and kind == "cgroup" and "memory" in options.split(",")
        ):
            fields = left.split()
            return fields[3], fields[4]
    return None


def _limit(file: Path) -> int | None:
    try:
        text = file.read_text().strip()
    except FileNotFoundError:
        return None
    return None if text == "max" or int(text) >= UNLIMITED else int(text)
