"""Which adapter of the engine's port runs a bundle. Knows nothing of how one works.

Each loads a runtime when it is imported, so none is imported before it is needed.
"""

from typing import TYPE_CHECKING

from lyricist.bundle.manifest import Bundle, BundleFormat
from lyricist.errors import BundleError

if TYPE_CHECKING:
    from lyricist.engine.litert import LiteRtEngine
    from lyricist.engine.saved_model_engine import TensorFlowEngine


def engine_class_for(bundle: Bundle) -> "type[LiteRtEngine | TensorFlowEngine]":
    """Loads the runtime that the bundle needs; BundleError if it is not installed."""
    if bundle.format is BundleFormat.SAVED_MODEL:
        try:
            from lyricist.engine.saved_model_engine import TensorFlowEngine
        except ModuleNotFoundError as error:
            raise BundleError(
                f"The model in {bundle.folder} is a SavedModel, and {error.name} is not installed."
                " On this machine: .venv/bin/python -m pip install -r requirements.txt"
            ) from error
        return TensorFlowEngine
    from lyricist.engine.litert import LiteRtEngine

    return LiteRtEngine
