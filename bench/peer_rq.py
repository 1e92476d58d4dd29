"""RQ on Redis, doing what the queue benchmark asks of everyone: note when a job was taken.

Run as a module it is the worker, the kind that does not fork for each job.
"""

import logging
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.processes import silent
from versequeue.waiting import wait_until


def note(prompt: str) -> dict[str, Any]:
    """The job."""
    return {"prompt": prompt, "claimed_at": time.time()}


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """A Redis that syncs every write to disk, on a socket in `folder`; the socket's path."""
    program = shutil.which("redis-server")
    if program is None:
        raise FileNotFoundError(
            "redis-server is not installed (Debian: apt-get install redis-server)"
        )
    socket = str(folder / "redis.sock")
    command = [program, "--port", "0", "--unixsocket", socket, "--dir", str(folder), "--save", ""]
    with silent([*command, "--appendonly", "yes", "--appendfsync", "always"]):
        wait_until(Path(socket).exists, 10, what="Redis")
        yield socket


def connect(socket: str) -> Any:
    """A connection to the server on this socket."""
    from redis import Redis

    return Redis(unix_socket_path=socket)


def consume(socket: str) -> None:
    """Work until terminated."""
    logging.disable(logging.CRITICAL)
    from rq import Queue, SimpleWorker

    connection = connect(socket)
    SimpleWorker([Queue(connection=connection)], connection=connection).work(
        logging_level="CRITICAL"
    )


if __name__ == "__main__":
    from bench import peer_rq

    peer_rq.consume(sys.argv[1])
