"""The examples in a page of the documentation, and a shell in which they are run one after another.

A page stays true only if somebody does what it says. Within a page, `$JOB` and `$BATCH` stand for
the ids that the latest answers had.
"""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PUBLISHED_URL = "http://127.0.0.1:8080"
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CURL = """#!/bin/sh
exec {curl} -sS --max-time 90 --write-out '%{{stderr}}status %{{http_code}}\\n' "$@"
"""


@dataclass(frozen=True)
class Example:
    """One fenced block: its language, the words behind it, its text."""

    language: str
    words: str
    text: str

    @property
    def expected(self) -> str:
        """The beginning of the HTTP status that each curl in the block is answered with."""
        found = re.search(r"expect=(\d+)", self.words)
        return found.group(1) if found else "2"


def examples(page: Path, language: str) -> list[Example]:
    """The blocks of a page that are in this language, in order."""
    blocks = [Example(*found) for found in BLOCK.findall(page.read_text())]
    return [block for block in blocks if block.language == language]


@dataclass
class Shell:
    """Runs examples in one folder against one server."""

    folder: Path
    url: str
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put a curl that reports each status in front of the real one."""
        real = shutil.which("curl")
        if real is None and os.environ.get("CI") != "true":
            pytest.skip("SKIPPED: curl is missing, so the documentation's examples were not run")
        assert real, "curl is missing, and CI may not go without it"
        wrapper = self.folder / "bin" / "curl"
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(CURL.format(curl=real))
        wrapper.chmod(0o755)

    def run(self, example: Example) -> str:
        """The example's output; AssertionError if a command or an HTTP status is not as it says."""
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", example.text.replace(PUBLISHED_URL, self.url)],
            cwd=self.folder,
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, f"{example.text}\n{done.stdout}\n{done.stderr}"
        statuses = re.findall(r"^status (\d+)$", done.stderr, re.MULTILINE)
        if "until " in example.text:
            statuses = statuses[-1:]
        told = f"{example.text}\n{statuses}\n{done.stdout}"
        assert all(status.startswith(example.expected) for status in statuses), told
        for name, prefix in (("JOB", "job_"), ("BATCH", "batch_")):
            if found := re.search(rf'"id": ?"({prefix}\w+)"', done.stdout):
                self.variables[name] = found.group(1)
        return done.stdout

    def _environ(self) -> dict[str, str]:
        path = f"{self.folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        return {**os.environ, **self.variables, "PATH": path, "VERSEQUEUE_URL": self.url}
