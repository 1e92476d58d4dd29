"""phrases.npy, the file in a tuned bundle that holds the phrases of the lines it learned from."""

from array import array
from pathlib import Path

import numpy as np

from lyricist.bundle.manifest import PHRASES, Bundle
from lyricist.errors import BundleError
from lyricist.language.learned_phrases import LearnedPhrases


def write_phrases(folder: Path, phrases: LearnedPhrases) -> None:
    """Adds the file to a bundle's folder. OSError as usual."""
    np.save(folder / PHRASES, np.array(phrases.hashes, np.uint64), allow_pickle=False)


def phrases_of(bundle: Bundle) -> LearnedPhrases:
    """Those of a bundle; none if it was not tuned. BundleError if the file is no such file."""
    if PHRASES not in bundle.files:
        return LearnedPhrases()
    path = bundle.folder / PHRASES
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        raise BundleError(f"{path} cannot be read: {error}") from error
    if found.dtype != np.uint64 or found.ndim != 1:
        raise BundleError(f"{path} holds no phrases.")
    return LearnedPhrases(array("Q", found.tobytes()))
