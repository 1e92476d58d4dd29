"""The digest of this package's own files, which tells whether what they made is out of date.

Whoever stores something names whole folders of them, so that no list can fall behind.
"""

import hashlib
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent.parent
#: The code that makes a bundle of a model.
BUILDING = tuple(
    f"{room}/*.py" for room in ("bundle", "tokenizing", "checkpoints", "families", "building")
)


@cache
def sources_digest(*patterns: str) -> str:
    """Digest of the package's files that match `patterns`, such as "language/*.py"."""
    digest = hashlib.sha256()
    for pattern in patterns:
        for path in sorted(PACKAGE.glob(pattern)):
            digest.update(f"{path.relative_to(PACKAGE)}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def bundle_fingerprint(
    source_sha256: str, adapter_sha256: str, preset: str, name: str | None, drafts: int
) -> str:
    """Digest of all that a bundle follows from: the model, its adapter (or ""), the options, the
    code that builds it."""
    code = sources_digest(*BUILDING)
    made_by = f"{source_sha256} {adapter_sha256} {preset} {name or ''} {drafts} {code}"
    return hashlib.sha256(made_by.encode()).hexdigest()
