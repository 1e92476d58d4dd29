"""`python -m examples.digits [--port N]`: trains the model if there is none, then serves it."""

import os
import subprocess
import sys
from pathlib import Path

from environment import provide
from versequeue.cli.main import main

DATA = Path(os.environ.get("VERSEQUEUE_DATA_DIR", ".versequeue")) / "digits"
MODEL = f"{DATA}/model"
WORKER, PAGE = (str(Path(__file__).resolve().with_name(name)) for name in ("worker.py", "web"))

if __name__ == "__main__":
    if not Path(MODEL, "bundle.json").exists():
        # TensorFlow's notes on stderr are of use only where it fails.
        train = [str(provide("build")), "-m", "examples.digits.train", MODEL]
        done = subprocess.run(train, stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr)
    os.environ["VERSEQUEUE_OWN_OPTIONS"] = "1"
    ours = ["--data-dir", str(DATA), "--model", MODEL, "--worker", WORKER, "--page", PAGE]
    main(["up", *ours, *sys.argv[1:]], prog_name="python -m examples.digits")
