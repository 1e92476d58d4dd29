"""Which adapter runs a bundle. Each loads a runtime, so none is imported before it is needed."""

from collections.abc import Callable

from lyricist.bundle.manifest import Bundle, BundleFormat
from lyricist.engine.port import Engine
from lyricist.errors import BundleError


def engine_class_for(bundle: Bundle) -> Callable[[Bundle, int, int, int], Engine]:
    """Makes engines of a bundle, given numbers of rows, of threads and of a wide family's rows.

    Loads the runtime that the bundle needs; BundleError if it is not installed.
    """
    if bundle.format is BundleFormat.SAVED_MODEL:
        try:
            from lyricist.engine.saved_model_engine import TensorFlowEngine
        except ModuleNotFoundError as error:
            raise BundleError(
                f"The model in {bundle.folder} is a SavedModel, and {error.name} is not installed."
                " In a clone: .venv/bin/python -m pip install -r requirements.txt;"
                " else: pip install 'versequeue[tensorflow]'"
            ) from error
        return TensorFlowEngine
    from lyricist.engine.litert import LiteRtEngine

    return LiteRtEngine
