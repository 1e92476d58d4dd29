"""How much memory this process has used at its highest, with each file of a model counted once.

Linux counts a page of a file once for each place where it is mapped; it is in memory only once.
"""

import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

_FILE_PAGES = re.compile(r"^RssFile:\s+(\d+) kB$", re.MULTILINE)


def peak_memory_bytes(mapped_bytes: int) -> int:
    """`mapped_bytes`: of the files that are mapped. Where the system does not tell how often they
    are counted, they are counted as it does."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if sys.platform == "darwin":
        return peak
    status = ""
    with suppress(OSError):
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    return counted_once(peak * 1024, status, mapped_bytes)


def counted_once(peak_bytes: int, status: str, mapped_bytes: int) -> int:
    """A peak without what `status`, Linux's account of a process, has of mapped files beyond
    `mapped_bytes`."""
    told = _FILE_PAGES.search(status)
    counted = int(told[1]) * 1024 if told else 0
    return peak_bytes - max(0, counted - mapped_bytes)
