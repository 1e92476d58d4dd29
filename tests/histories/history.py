"""What every client sent and saw, with the moments between which it happened.

Moments are those of the recording process's monotonic clock, which nothing here steps.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

#: The kinds of operations. `webhook` is an event as it arrived, `fault` what was done to the
#: server; after `quiet` nothing is done to it any more, and every job has had time to end.
KINDS = (
    *("submit", "get", "cancel", "submit_batch", "get_batch", "results"),
    *("cancel_batch", "retry_failed", "webhook", "fault", "quiet"),
)


@dataclass(frozen=True)
class Operation:
    """One request and its answer, or one webhook."""

    kind: str
    client: str
    invoked_at: float
    completed_at: float
    #: what was asked: `id`, `key`, `body`, as far as the kind has it
    sent: dict[str, Any] = field(default_factory=dict)
    #: the answer's status; None: there was none, and what was asked may have happened or not
    status: int | None = None
    #: the answer's object: a job, a batch, `{"rows": […]}`; an event with its `webhook_id`
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def accepted(self) -> bool:
        """Whether the server said yes."""
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Asked:
    """An operation that has begun; its client fills in the answer."""

    status: int | None = None
    seen: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """Keeps the operations of all clients. Every method may be called by any thread."""

    def __init__(self) -> None:
        self._operations: list[Operation] = []
        self._changed = threading.Condition()

    @contextmanager
    def operation(self, kind: str, client: str, **sent: Any) -> Iterator[Asked]:
        """Record what happens in the block as one operation, whatever happens."""
        assert kind in KINDS, kind
        asked = Asked()
        invoked_at = time.monotonic()
        try:
            yield asked
        finally:
            ended = Operation(
                kind, client, invoked_at, time.monotonic(), sent, asked.status, asked.seen
            )
            with self._changed:
                self._operations.append(ended)
                self._changed.notify_all()

    def history(self) -> list[Operation]:
        """All operations so far, in the order of their completion."""
        with self._changed:
            return sorted(self._operations, key=lambda one: one.completed_at)

    def wait_for(self, count: int, limit_s: float) -> None:
        """Return when so many operations are recorded, or after the limit."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._operations) >= count, limit_s)


def save(history: list[Operation], path: Path) -> None:
    """One operation a line, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(asdict(one)) + "\n" for one in history), encoding="utf-8")


def load(path: Path) -> list[Operation]:
    """What `save` has written."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Operation(**json.loads(line)) for line in lines]
