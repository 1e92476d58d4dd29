"""Folders and files that appear whole or not at all, even if two processes make them or one is
killed."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def only_builder(folder: Path) -> Iterator[None]:
    """Holds a lock beside `folder`: a second builder waits, and finds what the first has built."""
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder`, which replaces it once the block ends without an exception."""
    prefix = f".{folder.name}.draft-"
    for left_over in folder.parent.glob(f"{prefix}*"):  # of a build that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    new = Path(tempfile.mkdtemp(prefix=prefix, dir=folder.parent))
    replaced = new.with_name(f"{new.name}-replaced")
    try:
        yield new
        new.chmod(0o755)
        if folder.exists():
            folder.rename(replaced)
        new.rename(folder)
    except BaseException:
        if replaced.exists() and not folder.exists():
            replaced.rename(folder)
        raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(replaced, ignore_errors=True)


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A new file beside `path`, which replaces it once the block ends without an exception."""
    new = path.with_name(f".{path.name}.draft")
    try:
        yield new
        with new.open("rb") as written:
            os.fsync(written.fileno())
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
