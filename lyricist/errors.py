"""What can go wrong in the lyricist. A message is one sentence that a person can act on."""


class LyricistError(Exception):
    """Writing lyrics went wrong."""


class BundleError(LyricistError):
    """A model bundle is missing, half written, damaged or of a format that is not known."""


class BundleAway(BundleError):
    """A model bundle cannot be reached just now: nothing is said of what is in it."""


class BuildError(LyricistError):
    """A model bundle could not be built."""


class TuningError(LyricistError):
    """A model could not be tuned, mostly because of the lyrics that it was to learn from."""


class ContextFull(LyricistError):
    """A row of the KV cache holds as many positions as it can."""


class Abandoned(LyricistError):
    """A song was given up before its end, because its reader or the process stopped."""


def is_panic(error: BaseException) -> bool:
    """Whether the Rust code of `tokenizers` met what it did not foresee; that is no Exception."""
    return type(error).__name__ == "PanicException"
