"""How something that was made by this code is known to be out of date: by the code's own digest.

Whole folders count, so that no list of files can fall behind them.
"""

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent


@cache
def sources_digest(*patterns: str) -> str:
    """Digest of the package's files that match `patterns` ("language/*.py"); a millisecond."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(PACKAGE.glob(pattern)):
            digest.update(f"{path.relative_to(PACKAGE)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()
