"""Virtual environments made from a requirements file alone, kept between runs."""

import hashlib
import subprocess
import sys
import venv
from pathlib import Path

from tests.support.paths import ROOT

VENVS = ROOT / ".versequeue" / "venvs"
INSTALL_LIMIT_S = 280


def python_of(folder: Path) -> Path:
    """The Python of an environment that has the folder's requirements and nothing else.

    Kept under the digest of what was asked of it: functions with the same requirements share it.
    """
    text = (folder / "requirements.txt").read_text(encoding="utf-8")
    wanted = sorted(line.split("#")[0].strip() for line in text.splitlines())
    key = "\n".join([sys.version, *filter(None, wanted)])
    home = VENVS / hashlib.sha256(key.encode()).hexdigest()[:16]
    python = home / "bin" / "python"
    if not (home / "complete").exists():
        venv.create(home, clear=True, with_pip=False)
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
