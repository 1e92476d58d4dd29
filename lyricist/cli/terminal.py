"""What the commands have in common: a progress bar, and sentences in the place of tracebacks."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click
from tqdm import tqdm

from lyricist.errors import LyricistError, is_panic

#: The exit status where nothing could be done.
UNUSABLE = 2


def say(sentence: str) -> None:
    """One line for the person who waits."""
    click.echo(sentence, err=True)


@contextlib.contextmanager
def clear_errors() -> Iterator[None]:
    """What goes wrong within and can be said ends the process with a sentence and UNUSABLE."""
    try:
        yield
    except LyricistError as error:
        sentence = str(error)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        sentence = f"{place}{error.strerror or error}."
    except BaseException as error:
        if not is_panic(error):
            raise
        sentence = f"The model's tokenizer is damaged: {error}."
    else:
        return
    click.echo(sentence, err=True)
    sys.exit(UNUSABLE)


@contextlib.contextmanager
def progress() -> Iterator[Callable[[str, float], None]]:
    """A progress bar on what is stderr now, even if stderr is redirected afterwards.

    Where that is no terminal, each stage is a line.
    """
    with contextlib.ExitStack() as open_until_the_end:
        copy = os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8")
        terminal = open_until_the_end.enter_context(copy)
        bars: list[Any] = []
        told: list[str] = []

        def show(stage: str, share: float) -> None:
            if not terminal.isatty():
                if stage not in told:
                    told.append(stage)
                    print(stage, file=terminal, flush=True)
                return
            if not bars:  # what is done already shows no bar
                bar_format = "{desc:<20}{percentage:3.0f}%|{bar}|"
                new = tqdm(total=100, file=terminal, bar_format=bar_format)
                bars.append(open_until_the_end.enter_context(new))
            (bar,) = bars
            bar.set_description_str(stage, refresh=False)
            bar.n = round(100 * share)
            bar.refresh()

        yield show
