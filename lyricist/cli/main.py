"""The command line: which commands there are."""

import click

from lyricist.cli import learning, models, songs


@click.group()
def main() -> None:
    """Build models that write lyrics, and let them write."""


for command in (
    *(models.build, models.check, models.bundle, models.export, models.show, models.measure),
    *(songs.generate, songs.evaluate_lyrics),
    *(learning.tune, learning.prefer, learning.fit_judge_again),
):
    main.add_command(command)
