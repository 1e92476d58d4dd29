"""The command line: which commands there are, and how each kind of trouble ends.

A command's module is imported when it is called, so that `--help` and a Ctrl-C are quick.
"""

import difflib
import importlib
from typing import Any

import click

from versequeue import __version__
from versequeue.cli.failures import coming_back, failure_of, room_may_be_missing
from versequeue.errors import VerseQueueError

#: name -> its module here, and its line in the help
COMMANDS = {
    "up": ("up", "Run everything on this machine."),
    "submit": ("jobs", "Have one song written."),
    "batch": ("batch", "Have a file of prompts written."),
    "get": ("jobs", "Show a job or a batch."),
    "cancel": ("jobs", "End a job or a batch."),
    "rewrite": ("again", "Have some lines of a song written anew."),
    "verify": ("again", "Have a song written again, to see that it is the same."),
    "rhymes": ("rhymes", "Show the words that rhyme with a word."),
    "jobs": ("lists", "List your jobs."),
    "status": ("jobs", "Show what a new job has to wait for."),
    "top": ("lists", "Watch the whole service."),
    "webhook-secret": ("webhook_secret", "Print the secret of one receiver of webhooks."),
    "cost": ("cost", "What a month costs."),
    "plan": ("plan", "Simulate a day of load."),
}
#: What else people call some of them.
OTHER_NAMES = {"watch": "get --wait", "check": "batch --check", "list": "jobs"}


class LazyGroup(click.Group):
    """Imports a command's module only when that command is called."""

    # ruff: noqa: ARG002 - the signatures are click's

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"versequeue.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; the one that was meant, if it can be guessed, is said."""
        if args and args[0] not in COMMANDS and args[0][:1].isalnum():
            meant = OTHER_NAMES.get(args[0])
            near = [meant] if meant else difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f"Did you mean “{near[0]}”?" if near else f"There are: {', '.join(COMMANDS)}."
            ctx.fail(f"No such command “{args[0]}”. {hint}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """As click's, but a full disk is one sentence too."""
        with room_may_be_missing():
            return super().main(*args, **kwargs)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help's list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours becomes one sentence and an exit status."""
        with coming_back("Stopped."):
            try:
                return super().invoke(ctx)
            except VerseQueueError as error:
                raise failure_of(error) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, package_name="versequeue", message="versequeue %(version)s")
def main() -> None:
    """Song lyrics from a prompt, written asynchronously.

    Exit status: 0 done, 1 a job failed, 2 wrong usage or input, 3 the server could not be reached
    or cannot take the request now.
    """
