"""Options that several commands have."""

from pathlib import Path

import click

from lyricist.bundle.manifest import DEFAULT_PRESET, PRESETS
from lyricist.songs import Effort

preset_option = click.option(
    "--preset", type=click.Choice(PRESETS), default=DEFAULT_PRESET, show_default=True
)


effort_option = click.option(
    "--effort",
    type=click.Choice([effort.value for effort in Effort]),
    default=Effort.QUICK.value,
    show_default=True,
    callback=lambda _context, _option, value: Effort(value),
    help="How many candidates for each line: the more, the slower.",
)


source_option = click.option(
    "--from", "source", help="A GGUF file, a Hugging Face folder, or hf:owner/name on the hub."
)


adapter_option = click.option(
    "--adapter",
    "adapters",
    type=click.Path(path_type=Path),
    multiple=True,
    help="What `tune` has written, or a folder that `peft` has, to be merged in. Repeatable.",
)


untuned_option = click.option(
    "--untuned",
    is_flag=True,
    help="The default model as its makers left it, without what it learned from our verses.",
)
