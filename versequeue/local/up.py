"""`versequeue up`: everything on one machine, from one command, until Ctrl-C."""

import os
from contextlib import ExitStack

from versequeue.local.host import (
    UpOptions,
    data_dir_lock,
    embedded_environ,
    hear_signals,
    listening,
    say_ready,
    wait_for_signal,
)
from versequeue.local.loops import raise_descriptor_limit
from versequeue.local.server import LocalServer


def run_up(options: UpOptions) -> int:
    """Serve until SIGINT or SIGTERM; the exit status. Raises StartupError with one sentence."""
    raise_descriptor_limit()
    with ExitStack() as stack:
        listener = stack.enter_context(listening(options.host, options.port))
        stack.enter_context(data_dir_lock(options.data_dir))
        os.environ.update(embedded_environ(options, os.environ))
        server = LocalServer(options, listener)
        flag = hear_signals()
        stack.enter_context(server)
        say_ready(options.host, listener)
        wait_for_signal(flag)
    return 0
