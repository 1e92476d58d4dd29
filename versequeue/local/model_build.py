"""Builds a model that is missing, by the model's own command line: a process that this one ends.

Knows no tensors: what there is to build and how is `python -m lyricist`'s affair, and what that
needs is installed by environment.py. `make` runs this as a module: `build` and `tune`, with the
arguments of the model's commands of these names.
"""

import os
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from versequeue.child_process import ChildProcess
from versequeue.config import PRESETS
from versequeue.errors import StartupError
from versequeue.local.host import HOME, IS_CLONE, child_environ
from versequeue.named_models import NamedModel

MANIFEST = "bundle.json"
ENVIRONMENT = HOME / "environment.py"
#: What `python -m lyricist check` says by its exit status of a bundle that is to be built.
IS_TO_BE_BUILT = 3


def build_if_missing(model: NamedModel, folder: Path) -> None:
    """Have `folder` be the bundle of a preset or of a file or folder that one is built of.

    Of another model nothing is done. Raises StartupError, or SystemExit where the builder itself
    has said on stderr why it could not.
    """
    recipe = recipe_of(model, folder)
    if recipe and _is_missing(model, folder, recipe):
        # A part of it is 30 to 60 s of silence, where stderr is no terminal.
        _say(f"The model {model.name} is not built yet: that is done now, once.")
        _run(
            [_builder(folder.parents[1]), "-m", "lyricist", "build", *recipe],
            f"Building {model.name}",
        )


def recipe_of(model: NamedModel, folder: Path) -> list[str]:
    """The builder's arguments for this model; none if it is a bundle already, or in a bucket."""
    out = ["--out", str(folder)]
    if model.place in PRESETS:
        return ["--preset", model.place, *out]
    return ["--from", model.place, *out] if folder != Path(model.place) else []


def main(arguments: Sequence[str]) -> int:
    """Have `build` or `tune` done by a Python that can; the exit status. Builds what is stale, too.

    Raises as `build_if_missing`.
    """
    verb, *asked = arguments
    if verb == "build" and not _is_stale(asked):
        return 0
    what = {"build": "Building the model", "tune": "Tuning"}[verb]
    return _run([_builder(None), "-m", "lyricist", verb, *asked], what)


def _is_missing(model: NamedModel, folder: Path, recipe: Sequence[str]) -> bool:
    if model.place in PRESETS:
        return not (folder / MANIFEST).is_file()
    # The file may be another one than it was.
    return _is_stale(recipe)


def _is_stale(recipe: Sequence[str]) -> bool:
    command = [sys.executable, "-m", "lyricist", "check", *recipe]
    return _run(command, "Looking at the model", (0, IS_TO_BE_BUILT)) == IS_TO_BE_BUILT


def _builder(data_dir: Path | None) -> str:
    """A Python that can build: this one, or one that environment.py makes if there is none yet.

    In a clone it is made there, else in the data folder.
    """
    if find_spec("tensorflow"):
        return sys.executable
    with TemporaryDirectory() as folder:
        answer = Path(folder) / "python"
        place = [str(data_dir.resolve() / "builder")] if data_dir and not IS_CLONE else []
        command = [sys.executable, str(ENVIRONMENT), "build", *place]
        _run(command, "Installing what builds a model", answer=answer)
        return answer.read_text(encoding="utf-8").strip()


def _run(
    command: Sequence[str], what: str, good: Sequence[int] = (0,), answer: Path | None = None
) -> int:
    """Run this to its end; its exit status. What it prints goes to stderr, or into `answer`.

    Ctrl-C ends it, and so does the end of this process.
    """
    to = "&2" if answer is None else '"$0"'
    shell = ["/bin/sh", "-c", f'exec "$@" >{to}', str(answer or "sh"), *command]
    with ChildProcess(shell, environ=child_environ(os.environ)) as child:
        status = child.wait()
    if status in good:
        return status
    if status == -signal.SIGKILL:
        raise StartupError(f"{what} was killed, as a system does that is short of memory.")
    if status < 0:
        raise StartupError(f"{what} ended by the signal {signal.Signals(-status).name}.")
    # It has said why.
    raise SystemExit(2)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except StartupError as reason:
        sys.exit(f"{reason}")
    except KeyboardInterrupt:
        _say("\nStopped; the next time it goes on from what is whole.")
        sys.exit(130)
