"""The list of commands: each has help, and asking for it loads nothing heavy."""

import subprocess
import sys

from click.testing import CliRunner

from versequeue.cli.main import COMMANDS, LazyGroup, main


def test_every_command_is_there_and_has_help() -> None:
    group = main
    assert isinstance(group, LazyGroup)
    for name in COMMANDS:
        result = CliRunner().invoke(main, [name, "--help"])
        assert result.exit_code == 0, name
        assert result.stdout.startswith("Usage:"), name
        assert name in CliRunner().invoke(main, ["--help"]).stdout


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = (
        "import sys; from versequeue.cli.main import main; main(['--help'], standalone_mode=False);"
        "print(sorted({'requests', 'tqdm', 'pydantic', 'flask', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
