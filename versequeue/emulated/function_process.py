"""One function as the cloud runs it: a functions-framework process of its own, without --debug."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from versequeue.child_process import ChildProcess, KeptProcess, free_port, listens

START_LIMIT_S = 60.0


class FunctionProcess(KeptProcess):
    """At most one process group that serves the function. Methods may be called by any thread."""

    def __init__(
        self,
        name: str,
        folder: Path,
        signature: str,
        *,
        environ: Mapping[str, str],
        scratch: Path,
    ) -> None:
        """`folder` has main.py, beside it are the packages; `scratch` has a short path.

        `environ` is what this process is told beside what all are.
        """
        super().__init__()
        self.name = name
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._command: list[str | Path] = [
            *(sys.executable, "-m", "functions_framework", "--source", folder / "main.py"),
            *("--target", name, "--signature-type", signature),
            *("--host", "127.0.0.1", "--port", str(self._port)),
        ]
        self._scratch = scratch / name
        self._environ = {
            **environ,
            "PYTHONPATH": str(folder.parent),
            # Where gunicorn puts its control socket: one place for all is fought over.
            "XDG_RUNTIME_DIR": str(self._scratch),
        }

    def begin(self) -> ChildProcess:
        """gunicorn's master, which forks the process that serves the function."""
        self._scratch.mkdir(exist_ok=True)
        return ChildProcess(self._command, environ={**os.environ, **self._environ})

    def ensure(self) -> None:
        """Start it unless it runs, and wait until it answers. Raises as `wait_until_ready`."""
        child = self.start()
        noun = f"The {self.name} function"
        child.wait_until_ready(lambda: listens(self._port), START_LIMIT_S, noun)
