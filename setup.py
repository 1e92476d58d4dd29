"""What a wheel holds beside its packages: the page, and what makes a Python that builds models.

All else about the package stands in pyproject.toml.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent
#: In a clone they lie beside the packages, in an installation here (versequeue/local/host.py).
SHIPPED = Path("versequeue") / "shipped"
BESIDE = ("web", "environment.py", "requirements-build.txt")


class BuildAll(build_py):  # type: ignore[misc]  # setuptools has no types
    """Builds the packages, and copies what lies beside them."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib) / SHIPPED
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name in BESIDE:
            source = HERE / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target / name)


setup(cmdclass={"build_py": BuildAll})
