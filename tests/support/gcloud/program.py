"""The program that tests put on the path as `gcloud`: one command on a project kept in a file.

The file is CLOUD_FILE. A machine that dies kills the program that called it, without a word.
"""

import os
import signal
import sys
from pathlib import Path

from tests.support.gcloud.answers import Died, answer
from tests.support.gcloud.cloud import Cloud
from tests.support.paths import ROOT


def main() -> int:
    """Answer the command in the arguments."""
    file = Path(os.environ["CLOUD_FILE"])
    cloud = Cloud.load(file)
    stdin = sys.stdin.read() if "--data-file=-" in sys.argv else ""
    said = None
    try:
        said = answer(cloud, tuple(sys.argv[1:]), stdin)
    except Died:
        pass
    finally:
        cloud.save(file)
    if said is None:
        # Once all is written down: who waits for the caller's end may go on from the file at once.
        os.kill(os.getppid(), signal.Signals(int(os.environ["CLOUD_SIGNAL"])))
        return 1
    sys.stdout.write(said.stdout)
    sys.stderr.write(said.stderr)
    return said.returncode


def install(folder: Path, cloud: Cloud) -> dict[str, str]:
    """Make the program in `folder`; the variables under which a program finds it and its cloud."""
    script = folder / "gcloud"
    run = f"import sys; sys.path.insert(0, {str(ROOT)!r}); "
    run += "from tests.support.gcloud.program import main; sys.exit(main())"
    script.write_text(f"#!{sys.executable} -S\n{run}\n", encoding="utf-8")
    script.chmod(0o755)
    cloud.save(folder / "cloud.json")
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "CLOUD_FILE": str(folder / "cloud.json"),
        "CLOUD_SIGNAL": str(int(signal.SIGKILL)),
    }


if __name__ == "__main__":
    sys.exit(main())
