"""A file of prompts on its way to the server, which alone checks what is in the rows."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from versequeue.rules.terms import JobTerms

#: by the end of the file's name; anything else is one prompt a line
MEDIA_TYPES = {".jsonl": "application/jsonl", ".ndjson": "application/jsonl", ".csv": "text/csv"}
PLAIN_TEXT = "text/plain"


@dataclass(frozen=True)
class PromptFile:
    """What is sent, and what it is sent as."""

    content: bytes
    media_type: str = PLAIN_TEXT

    @classmethod
    def of(cls, source: "Source") -> "PromptFile":
        """`source` as what is sent. Raises OSError if it is a path that cannot be read."""
        if isinstance(source, PromptFile):
            return source
        if isinstance(source, str | Path):
            return cls.read(Path(source))
        return cls.from_rows(source)

    @classmethod
    def read(cls, path: Path) -> "PromptFile":
        """The file at `path`. Raises OSError if it cannot be read."""
        return cls(path.read_bytes(), MEDIA_TYPES.get(path.suffix.lower(), PLAIN_TEXT))

    @classmethod
    def from_rows(cls, rows: "Iterable[str | Mapping[str, Any]]") -> "PromptFile":
        """JSON lines made of prompts, or of rows `{"prompt", "custom_id"?, "options"?}`."""
        objects = [{"prompt": row} if isinstance(row, str) else dict(row) for row in rows]
        lines = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in objects]
        return cls("".join(f"{line}\n" for line in lines).encode(), "application/jsonl")

    def idempotency_key(self, params: Mapping[str, str]) -> str:
        """The same for the same content, type and options, so that sending it twice is safe."""
        named = sorted({**params, "media_type": self.media_type}.items())
        digest = hashlib.sha256(json.dumps(named).encode() + self.content)
        return f"file-{digest.hexdigest()}"


#: What a batch is made of: the path of a file, its content, or rows.
Source = str | Path | PromptFile | Iterable[str | Mapping[str, Any]]


def as_sent(terms: JobTerms | None) -> dict[str, Any]:
    """When a job is to be written, as a request says it."""
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in (terms or {}).items()
    }


def batch_params(
    options: Mapping[str, Any], metadata: Mapping[str, str], webhook: Mapping[str, Any]
) -> dict[str, str]:
    """What is said of all rows, as it stands in the query: the body is the file."""
    params = {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in options.items()
    }
    if metadata:
        params["metadata"] = json.dumps(dict(metadata), sort_keys=True)
    if webhook:
        params["webhook_url"] = str(webhook["url"])
        params["webhook_events"] = ",".join(webhook.get("events", ()))
    return params
