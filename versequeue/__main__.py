"""The command `versequeue`, also as `python -m versequeue`.

Imports nothing at first, so that a Ctrl-C while it starts ends as quietly as a later one.
"""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from versequeue.cli.main import main as command_line

        command_line(prog_name="versequeue")
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
