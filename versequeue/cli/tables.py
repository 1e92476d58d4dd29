"""What `cost` and `plan` share: options, columns and dollars. Knows nothing of the reports."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args

import click

from versequeue.cli.failures import Refused
from versequeue.rules.options import LINES, Effort

#: For `click.command`: each option's help ends with its default.
SHOW_DEFAULTS = {"show_default": True}
SONG_LINES = click.IntRange(int(LINES.least), int(LINES.most))
SVG_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
Command = Callable[..., Any]
effort_option = click.option(
    "--effort",
    type=click.Choice(get_args(Effort)),
    default="quick",
    help="How widely each line is searched for.",
)


def report_options(picture: str) -> Callable[[Command], Command]:
    """Add --json, and --plot with `picture` as its help."""

    def add(function: Command) -> Command:
        plot = click.option("--plot", type=SVG_FILE, callback=_check_svg, help=picture)
        as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program.")
        return as_json(plot(function))

    return add


def _check_svg(_: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    """Refuse another kind of picture before any work is done."""
    if value is not None and value.suffix.lower() != ".svg":
        raise click.BadParameter("the picture is an SVG: give a name that ends in .svg")
    if value is not None and not os.access(value.parent, os.W_OK):
        raise Refused(f"{value.parent} is not a folder that can be written to.")
    return value


def save(picture: Path, text: str) -> None:
    """Write the picture. Raises Refused where that cannot be done."""
    try:
        picture.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Refused(f"{picture} cannot be written: {error.strerror}.") from error


def length(lines: int, effort: Effort) -> str:
    """A song's lines, and its effort where that is not the usual one."""
    return f"{lines} lines" + ("" if effort == "quick" else f" at effort {effort}")


def usd(amount: float) -> str:
    """Dollars to read: cents, or four digits where there is less than a cent."""
    return f"${amount:,.2f}" if amount >= 0.01 or amount == 0 else f"${amount:.4f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]], right_from: int) -> str:
    """Columns as wide as they need to be; those from `right_from` on are set to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    rule = ["-" * width for width in widths]
    return "\n".join(_row(row, widths, right_from) for row in [header, rule, *rows])


def _row(cells: Sequence[str], widths: Sequence[int], right_from: int) -> str:
    padded = [
        cell.rjust(width) if i >= right_from else cell.ljust(width)
        for i, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return "  ".join(padded).rstrip()
