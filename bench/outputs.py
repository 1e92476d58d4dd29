"""The outputs of our own commands that stand in docs/costs.md, between their markers.

Owns the markers and how a block is filled in. A test compares each block with what the command
prints; a full `python -m bench service` fills them in again.
"""

import re
import shlex
from pathlib import Path

from click.testing import CliRunner

from versequeue.cli.cost import cost
from versequeue.cli.plan import plan

PAGE = Path(__file__).resolve().parent.parent / "docs" / "costs.md"
COMMANDS = {"cost": cost, "plan": plan}
#: A marker names the command; the fenced block below it is the command's output.
BLOCK = re.compile(r"(?P<head><!-- versequeue (?P<line>[^\n]+) -->\n```\n)(?P<body>.*?)```\n", re.S)


def output(line: str) -> str:
    """What `versequeue LINE` prints. Raises RuntimeError if it fails."""
    name, *arguments = shlex.split(line)
    result = CliRunner().invoke(COMMANDS[name], arguments)
    if result.exit_code:
        raise RuntimeError(f"versequeue {line}: {result.output}")
    return result.output


def filled(page: str) -> str:
    """The page with every block as its command prints it now."""
    return BLOCK.sub(lambda found: f"{found['head']}{output(found['line'])}```\n", page)


def refresh() -> None:
    """Fill docs/costs.md in."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    refresh()
