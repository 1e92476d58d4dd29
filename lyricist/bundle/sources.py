"""The digest of this package's own files, which tells whether what they made is out of date.

Whoever stores something names whole folders of them, so that no list can fall behind.
"""

import hashlib
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True)
class Making:
    """All that a bundle follows from, but for the code that builds it."""

    #: Of the model's file or folder.
    source_sha256: str
    #: "" for none.
    adapter_sha256: str
    preset: str
    name: str | None
    drafts: int
    #: Whether its chat template is left out.
    plain: bool = False

    @property
    def fingerprint(self) -> str:
        """Digest of all this and of the code that builds."""
        code = sources_digest(*BUILDING)
        options = f"{self.preset} {self.name or ''} {self.drafts}{' plain' if self.plain else ''}"
        made_by = f"{self.source_sha256} {self.adapter_sha256} {options} {code}"
        return hashlib.sha256(made_by.encode()).hexdigest()
