"""The embedded dispatcher in a thread, over a worker process made of a given main.py."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.api import ApiUnderTest
from tests.support.inspected_queue import InspectedQueue
from versequeue.clock import utc_now
from versequeue.local.dispatcher import Dispatcher
from versequeue.local.worker_process import WorkerProcess


@contextmanager
def dispatching(
    app: ApiUnderTest, folder: Path, source: str, *, max_deliveries: int = 4
) -> Iterator[InspectedQueue]:
    """A dispatcher over a worker whose main.py is `source`; its queue is in `folder`."""
    main = folder / "worker_source" / "main.py"
    main.parent.mkdir()
    main.write_text(source)
    path = folder / "queue.sqlite3"
    queue = InspectedQueue(path, utc_now, max_deliveries=max_deliveries, backoff_first_s=0.01)
    worker = WorkerProcess(main)
    dispatcher = Dispatcher(queue, worker, app.worker_side, idle_timeout_s=60)
    thread = threading.Thread(target=dispatcher.run)
    thread.start()
    try:
        yield queue
    finally:
        dispatcher.stop()
        worker.kill()
        thread.join(timeout=30)
        queue.close()
