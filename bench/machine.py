"""What the numbers were taken on: processor, cores, versions, and how busy it was."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("ai-edge-litert", "tensorflow", "llama-cpp-python", "huey", "rq", "redis")


def describe() -> dict[str, str]:
    """The machine and the versions, as words."""
    found = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "load_at_start": f"{os.getloadavg()[0]:.2f}",
        "niceness": str(os.nice(0)),
    }
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    flags = next((line for line in lines if line.startswith("flags")), "")
    kinds = [name for name in ("avx2", "avx512f", "amx_int8") if f" {name}" in flags]
    return f"{names[0] if names else platform.machine()} ({', '.join(kinds)})"
