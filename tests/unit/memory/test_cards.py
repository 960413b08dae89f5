"""Cards as a driver library tells of them; here a made-up one."""

import ctypes
from collections.abc import Callable
from functools import partial
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ai_pal.memory import cards, cards_here
from ai_pal.memory.cards import Cards, uses_cuda
from ai_pal.memory.cards_here import CardsHere
from ai_pal.memory.devices import Device

GIB = 1 << 30
CARDS = {"GPU-a": (8 * GIB, 10 * GIB), "GPU-b": (20 * GIB, 24 * GIB)}


def library(name: str = "", code: int = 0) -> Any:
    """Two cards, and what NVIDIA's library answers."""

    def count(number: Any) -> int:
        number._obj.value = len(CARDS)
        return 0

    def by_index(at: ctypes.c_uint, handle: Any) -> int:
        handle._obj.value = at.value + 1
        return 0 if at.value < len(CARDS) else 2

    def by_uuid(uuid: bytes, handle: Any) -> int:
        if uuid.decode() not in CARDS:
            return 2
        handle._obj.value = [*CARDS].index(uuid.decode()) + 1
        return 0

    def memory(handle: ctypes.c_void_p, told: Any) -> int:
        told._obj.free, told._obj.total = [*CARDS.values()][(handle.value or 0) - 1]
        return 0

    def label(handle: ctypes.c_void_p, told: Any, size: ctypes.c_uint) -> int:
        told.value = f"Card {handle.value}".encode()
        return 0

    def uuid(handle: ctypes.c_void_p, told: Any, size: ctypes.c_uint) -> int:
        told.value = [*CARDS][(handle.value or 0) - 1].encode()
        return 0

    return SimpleNamespace(
        nvmlInit_v2=lambda: code,
        nvmlDeviceGetCount_v2=count,
        nvmlDeviceGetHandleByIndex_v2=by_index,
        nvmlDeviceGetHandleByUUID=by_uuid,
        nvmlDeviceGetMemoryInfo=memory,
        nvmlDeviceGetName=label,
        nvmlDeviceGetUUID=uuid,
    )


def missing(name: str) -> Any:
    raise OSError(name)


@pytest.fixture(autouse=True)
def built_for_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cards, "version", lambda package: "1.0+cu128")


def found(environ: dict[str, str], opened: Callable[[str], Any] = library) -> list[Device]:
    return Cards(opened, environ).look("llamacpp")


def test_cards_are_told_with_what_is_free() -> None:
    first, second = (
        Device(f"cuda:{at}", *CARDS[name], f"Card {at + 1}", name) for at, name in enumerate(CARDS)
    )
    assert found({}) == [first, second]
    assert found({"CUDA_VISIBLE_DEVICES": "1"}) == [second._replace(name="cuda:0")]
    assert found({"CUDA_VISIBLE_DEVICES": "GPU-b, GPU-a"}) == [
        second._replace(name="cuda:0"),
        first._replace(name="cuda:1"),
    ]
    assert found({"CUDA_VISIBLE_DEVICES": "0,7,1"}) == [first]


def test_there_are_none_without_a_driver_or_where_none_may_be_seen() -> None:
    assert found({}, missing) == found({}, partial(library, code=9)) == found({}, lambda name: object()) == []
    assert found({"CUDA_VISIBLE_DEVICES": ""}) == found({"CUDA_VISIBLE_DEVICES": "-1"}) == []


@pytest.mark.parametrize(
    ("engine", "built", "uses"),
    [
        ("llamacpp", "2026.1", False),
        ("llamacpp", "2026.1+cu128", True),
        ("transformers", "2.13.0", True),
        ("transformers", "2.13.0+cpu", False),
        ("transformers", "2.13.0+cu126", True),
        ("echo", "1.0+cu1", False),
    ],
)
def test_a_build_tells_by_its_version_whether_it_computes_there(
    engine: str, built: str, uses: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cards, "version", lambda package: built)
    assert uses_cuda(engine) is uses


def test_what_is_not_installed_computes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(package: str) -> str:
        raise PackageNotFoundError(package)

    monkeypatch.setattr(cards, "version", none)
    assert not uses_cuda("llamacpp")
    assert found({}) == []


def test_the_driver_is_asked_only_where_there_is_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cards_here, "NODES", (str(tmp_path / "nvidiactl"),))
    monkeypatch.setattr(cards, "Cards", lambda environ: Cards(library, {}))
    here = CardsHere()
    assert here.look("llamacpp") == []
    (tmp_path / "nvidiactl").touch()
    assert here.look("llamacpp") == found({})


def test_an_engine_that_is_a_program_computes_on_cards_where_it_is_installed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not uses_cuda("vllm")
    (tmp_path / "vllm").touch(0o755)
    assert uses_cuda("vllm")
