"""Which device and number format a model gets. Pure, but for `inspect`, which asks torch."""

from collections.abc import Sequence
from typing import Any

import msgspec
import psutil

from ai_pal.errors import Code, fail
from ai_pal.protocol.worker import Share

NAMES = {
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
    "float16": "float16",
    "fp16": "float16",
    "half": "float16",
    "float32": "float32",
    "fp32": "float32",
}
SHORT = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
LARGE = 2 << 30
"""Weights above this many bytes in 16 bits are never widened to 32 unasked."""
WIDEST_SHARE = 0.25
"""Widened weights take at most this part of the available memory."""


class Hardware(msgspec.Struct, frozen=True):
    """`devices` that torch can use, the preferred one first; `bf16` those with hardware for it;
    `available` in bytes of main memory, `cards` how many CUDA devices there are."""

    devices: list[str]
    bf16: list[str]
    available: int
    cards: int = 0


def inspect(torch: Any) -> Hardware:
    """What this machine has."""
    devices, bf16 = [], []
    if torch.cuda.is_available():
        devices.append("cuda")
        if torch.cuda.is_bf16_supported(including_emulation=False):
            bf16.append("cuda")
    if torch.backends.mps.is_available():
        devices.append("mps")
    if cpu_has_bf16(torch):
        bf16.append("cpu")
    count = torch.cuda.device_count() if "cuda" in devices else 0
    return Hardware([*devices, "cpu"], bf16, psutil.virtual_memory().available, count)


def choose_device(asked: str, hardware: Hardware, placement: Sequence[Share] | None = None) -> str:
    """The device where a model begins: as it was placed, else as it was asked for, else the preferred one.

    Raises `AiPalError` (`config_invalid`)."""
    if placement:
        asked = placement[0].device
    for name in [asked, *(share.device for share in placement or ())]:
        if name and not _is_there(name, hardware):
            fail(
                Code.CONFIG_INVALID,
                f"there is no device {name!r} here",
                f"use one of: {', '.join(hardware.devices)}, or leave it out",
            )
    if placement is not None and not placement and not asked:
        return "cpu"
    return asked or hardware.devices[0]


def _is_there(name: str, hardware: Hardware) -> bool:
    kind, _, number = name.partition(":")
    if kind not in hardware.devices:
        return False
    return kind != "cuda" or not number or (number.isdigit() and int(number) < hardware.cards)


def choose_dtype(asked: str, device: str, hardware: Hardware, stored: str, size: int) -> str:
    """The format to compute in. `size` is the bytes of the weights as `stored`. Raises `AiPalError`.

    Where the hardware has no bf16, a small model is widened (a CPU computes faster so), a large one
    stays in 16 bits: slow is better than not fitting.
    """
    if asked:
        if asked not in NAMES:
            fail(Code.CONFIG_INVALID, f"there is no dtype {asked!r}", f"use one of: {', '.join(SHORT)}")
        return NAMES[asked]
    kind = device.split(":", maxsplit=1)[0]
    if kind in hardware.bf16:
        return "bfloat16"
    if kind != "cpu":
        return "float16"
    narrow = size // 2 if stored == "float32" else size
    fits = narrow <= LARGE and narrow * 2 <= hardware.available * WIDEST_SHARE
    return "float32" if fits else "bfloat16"


def cpu_has_bf16(torch: Any) -> bool:
    """Instructions for bf16: AMX or AVX-512 on x86, the ARM ones as torch reports them."""
    capabilities: dict[str, bool] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in ("amx_bf16", "avx512_bf16", "bf16", "arm_bf16"))
