"""Gives commands to the gcloud of this machine without an account, and tells its answers.

Started with the Python that comes with gcloud, because its own parser is loaded once for all of
them: a process for each would take a second each. Reads a JSON list of argument lists from standard
input, writes a JSON list of answers. Imports nothing of ours.
"""

import contextlib
import importlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer every command on standard input; the one argument is the folder of the SDK."""
    library = Path(sys.argv[1]) / "lib"
    sys.path[:0] = [str(library), str(library / "third_party")]
    commands = json.load(sys.stdin)
    cli = importlib.import_module("googlecloudsdk.gcloud_main").CreateCLI([])
    answers = [answer_to(cli, command) for command in commands]
    os.write(1, json.dumps(answers).encode())


def answer_to(cli: Any, command: list[str]) -> str:
    """What gcloud wrote to its standard error; it writes there through the descriptor itself."""
    kept = [os.dup(1), os.dup(2)]
    with tempfile.TemporaryFile() as heard:
        os.dup2(heard.fileno(), 1)
        os.dup2(heard.fileno(), 2)
        try:
            with contextlib.suppress(SystemExit):
                cli.Execute(command)
        finally:
            sys.stderr.flush()
            for number, descriptor in enumerate(kept, start=1):
                os.dup2(descriptor, number)
                os.close(descriptor)
        heard.seek(0)
        return heard.read().decode(errors="replace")


if __name__ == "__main__":
    main()
