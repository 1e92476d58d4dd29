"""Which kernels the network runs on: another kind of processor may round otherwise.

XNNPACK, which computes for LiteRT, chooses them by what the processor can do.
"""

import platform
from functools import cache
from pathlib import Path

#: By machine: features of the processor as Linux lists them, the best of XNNPACK's for int8 first.
_FEATURES = {
    "x86_64": ("avx512_vnni", "avx_vnni", "avx512bw", "avx2", "sse4_1"),
    "aarch64": ("i8mm", "asimddp", "asimd"),
}
_LIST = Path("/proc/cpuinfo")


@cache
def kernel_family() -> str:
    """The machine and its best feature, such as `x86_64 avx512_vnni`; the machine alone if none."""
    try:
        listed = _LIST.read_text(encoding="utf-8", errors="replace")
    except OSError:
        listed = ""
    return family_of(platform.machine(), listed)


def family_of(machine: str, listed: str) -> str:
    """The same of a machine with this list of features, as in /proc/cpuinfo."""
    rows = (line.partition(":") for line in listed.splitlines())
    flags = next((text for name, _, text in rows if name.strip() in ("flags", "Features")), "")
    has = flags.split()
    best = next((name for name in _FEATURES.get(machine, ()) if name in has), "")
    return f"{machine} {best}".strip()
