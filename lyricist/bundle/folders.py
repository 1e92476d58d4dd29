"""A folder that appears whole or not at all, whoever else builds it and whatever kills the builder.

Knows nothing of what is in it.
"""

import contextlib
import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def only_builder(folder: Path) -> Iterator[None]:
    """Holds a lock beside `folder`, so that of two builds the second finds the first one's."""
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A draft beside `folder` that takes its place when the block ends without an exception."""
    prefix = f".{folder.name}.draft-"
    for left_over in folder.parent.glob(f"{prefix}*"):  # of a build that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    replaced = draft.with_name(f"{draft.name}-replaced")
    try:
        yield draft
        draft.chmod(0o755)
        if folder.exists():
            folder.rename(replaced)
        draft.rename(folder)
    except BaseException:
        if replaced.exists() and not folder.exists():
            replaced.rename(folder)
        raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)
