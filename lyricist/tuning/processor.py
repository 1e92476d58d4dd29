"""What the processor is good at."""

from pathlib import Path

#: Flags of Linux's list of a processor's features that say that it multiplies bfloat16 itself.
_BFLOAT16_FLAGS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
_FEATURES = Path("/proc/cpuinfo")


def has_bfloat16() -> bool:
    """Whether products of bfloat16 are faster here than those of float32; False if unknown."""
    try:
        text = _FEATURES.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    for line in text.splitlines():
        name, _, flags = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return not _BFLOAT16_FLAGS.isdisjoint(flags.split())
    return False
