"""Verifies a bundle's files in a thread of its own, beside the work of opening it.

Owns the thread; what is verified is `Bundle.verify`'s.
"""

import threading

from lyricist.bundle.manifest import Bundle
from lyricist.errors import BundleError


class Verification(threading.Thread):
    """One bundle's verification, to be started and later joined."""

    def __init__(self, bundle: Bundle) -> None:
        super().__init__(name="verify-bundle", daemon=True)
        self._bundle = bundle
        self._error: BundleError | None = None

    def run(self) -> None:
        try:
            self._bundle.verify()
        except BundleError as error:
            self._error = error

    def join_or_raise(self) -> None:
        """Waits for the end. Raises BundleError if a file is damaged."""
        self.join()
        if self._error is not None:
            raise self._error
