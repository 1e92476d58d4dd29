"""Virtual environments made from a requirements file alone, kept between runs.

Of the Python that is deployed, where this machine has it; else of the one that runs the tests.
"""

import hashlib
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from deploy.target import Target
from tests.support.paths import ROOT

VENVS = ROOT / ".versequeue" / "venvs"
INSTALL_LIMIT_S = 280


def python_of(folder: Path) -> Path:
    """The Python of an environment that has the folder's requirements and nothing else.

    Kept under the digest of what was asked of it: functions with the same requirements share it.
    """
    text = (folder / "requirements.txt").read_text(encoding="utf-8")
    wanted = sorted(line.split("#")[0].strip() for line in text.splitlines())
    base, version = deployed_python()
    key = "\n".join([version, *filter(None, wanted)])
    home = VENVS / hashlib.sha256(key.encode()).hexdigest()[:16]
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        made = [base, "-m", "venv", "--clear", "--without-pip", str(home)]
        subprocess.run(made, check=True, timeout=INSTALL_LIMIT_S)
        install = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            str(python),
            "install",
            "--quiet",
            "--compile",
        ]
        done = subprocess.run(
            [*install, "-r", str(folder / "requirements.txt")],
            capture_output=True,
            text=True,
            timeout=INSTALL_LIMIT_S,
        )
        assert done.returncode == 0, done.stderr
        (home / "complete").touch()
    return python


@cache
def deployed_python() -> tuple[str, str]:
    """The Python of the deployed runtime, or this one, and its version."""
    name = Target.runtime.replace("python3", "python3.")
    for folder in os.environ["PATH"].split(os.pathsep):
        try:
            done = subprocess.run(
                [f"{folder}/{name}", "-c", "import sys; print(sys.version)"],
                capture_output=True,
                text=True,
                timeout=30,
            )
        except OSError:
            continue
        if done.returncode == 0:  # pyenv's stand-ins fail for a version that is not chosen
            return f"{folder}/{name}", done.stdout
    return sys.executable, sys.version
