"""The example's model, trained once and kept, and its server for the length of a block."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from bench.server import QUIET
from tests.support.browser import missing
from tests.support.paths import ROOT
from tests.support.server import Server
from versequeue.child_process import ChildProcess
from versequeue.local.host import READY

KEPT = ROOT / "build" / "examples" / "digits" / "model"
TRAIN_LIMIT_S, START_LIMIT_S = 280.0, 60.0


@cache
def trained() -> Path:
    """The folder of the model. Skips, or fails in CI, where there is no TensorFlow to train it."""
    if find_spec("tensorflow") is None:
        missing("examples/digits, which TensorFlow trains: python3 environment.py dev")
    KEPT.parent.mkdir(parents=True, exist_ok=True)
    with (KEPT.parent / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code = "".join(file.read_text() for file in sorted((ROOT / "examples/digits").glob("*.*")))
        made_of = KEPT / "made-of"
        if not made_of.exists() or made_of.read_text() != code:
            command = [sys.executable, "-m", "examples.digits.train", str(KEPT)]
            done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=TRAIN_LIMIT_S)
            assert done.returncode == 0, done.stderr.decode()
            made_of.write_text(code)
    return KEPT


@contextmanager
def running_digits(data_dir: Path, env: Mapping[str, str] | None = None) -> Iterator[Server]:
    """`python -m examples.digits` with a trained model in `data_dir`, on a free port."""
    model = data_dir / "digits" / "model"
    model.parent.mkdir(parents=True)
    model.symlink_to(trained())
    ours = {key: value for key, value in os.environ.items() if "VERSEQUEUE" not in key}
    with ChildProcess(
        [sys.executable, "-m", "examples.digits", "--port", "0"],
        environ={**ours, **QUIET, "VERSEQUEUE_DATA_DIR": str(data_dir), **(env or {})},
        cwd=ROOT,
        log=data_dir / "log",
    ) as process:
        url = process.wait_for_line(READY, START_LIMIT_S, "the example").rstrip("/")
        yield Server(process, url, data_dir)
