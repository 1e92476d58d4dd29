"""`python -m examples.digits [--port N]`: trains the model if there is none, then serves it."""

import os
import sys
from pathlib import Path
from subprocess import PIPE, run

from environment import provide
from versequeue.cli.main import main

MODEL = Path(os.environ.get("VERSEQUEUE_DATA_DIR", ".versequeue"), "digits", "model")
WORKER, PAGE = (Path(__file__).resolve().with_name(name) for name in ("worker.py", "web"))

if __name__ == "__main__":
    if not (MODEL / "bundle.json").exists():
        done = run([provide("build"), "-m", "examples.digits.train", MODEL], stderr=PIPE, text=True)
        if done.returncode:  # else TensorFlow's notes are of no use
            sys.exit(done.stderr)
    os.environ["VERSEQUEUE_OWN_OPTIONS"] = "1"
    ours = ["--data-dir", MODEL.parent, "--model", MODEL, "--worker", WORKER, "--page", PAGE]
    main(["up", *map(str, ours), *sys.argv[1:]], prog_name="python -m examples.digits")
