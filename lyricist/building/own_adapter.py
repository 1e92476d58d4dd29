"""What the default model has learned before anybody else teaches it: the project's own verses.

The adapter is a part of the default model. Whoever builds that gets it, and whoever tunes that goes
on from it, unless they ask for the model as its makers left it. Reads no adapter, and so needs none
of the packages that building needs.
"""

from collections.abc import Sequence
from pathlib import Path

from lyricist.bundle.manifest import DEFAULT_PRESET

#: It learned from plain verses, then from ratings of its drafts (docs/decisions/tuning.md).
OWN_ADAPTER = Path(__file__).parent / "data" / "verses.safetensors"
#: SHA-256 of the model file that it was tuned on.
ITS_MODEL = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def own_adapters(
    source_sha256: str, preset: str, adapters: Sequence[Path], untuned: bool
) -> tuple[Path, ...]:
    """The project's own adapter where it belongs below `adapters`, which are somebody's; or none.

    An adapter of `peft` (a folder) was tuned on the model as its makers left it.
    """
    is_its_model = source_sha256 == ITS_MODEL and preset == DEFAULT_PRESET
    if not is_its_model or untuned or any(each.is_dir() for each in adapters):
        return ()
    return (OWN_ADAPTER,)
