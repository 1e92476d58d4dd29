"""What native libraries write to stderr whatever their settings say: kept from the terminal."""

import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STDERR = 2
#: stderr belongs to the whole process: one at a time may turn it aside.
_turned_aside = threading.RLock()


@contextmanager
def without_native_notes(*, notes_only: bool = False) -> Iterator[None]:
    """Discard stderr; with `notes_only` no more of it than lines that begin with "INFO:"."""
    with _turned_aside, tempfile.TemporaryFile() as aside:
        sys.stderr.flush()
        kept = os.dup(STDERR)
        os.dup2(aside.fileno(), STDERR)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, STDERR)
            os.close(kept)
            if notes_only:
                aside.seek(0)
                for line in aside:
                    if not line.startswith(b"INFO:"):
                        os.write(STDERR, line)
