"""Which worker runs which file: the first goes from the quick ones on, all others from the slow.

Slow files mostly wait, and so keep company with some that compute; where all meet at last, files
are short, so that no worker is left alone with a long one.
"""

from typing import Any

from xdist.scheduler import LoadFileScheduling


class FromBothEnds(LoadFileScheduling):  # type: ignore[misc]
    """Hands out whole files, of which one worker takes the first and all others the last."""

    def __init__(self, config: Any, log: Any = None) -> None:
        super().__init__(config, log)
        # Else the files are sorted by the number of their tests.
        config.option.loadscopereorder = False

    def _assign_work_unit(self, node: Any) -> None:
        if node is not self.nodes[0]:
            self.workqueue.move_to_end(next(reversed(self.workqueue)), last=False)
        super()._assign_work_unit(node)
