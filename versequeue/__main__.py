"""`python -m versequeue` is the command `versequeue`."""

from versequeue.cli.main import main

if __name__ == "__main__":
    main(prog_name="versequeue")
