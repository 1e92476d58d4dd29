"""`versequeue up`: everything on one machine, from one command, until Ctrl-C."""

import os
from contextlib import ExitStack

from versequeue.local import host
from versequeue.local.loops import raise_descriptor_limit
from versequeue.local.server import LocalServer


def run_up(options: host.UpOptions) -> int:
    """Serve until SIGINT or SIGTERM; the exit status. Raises StartupError with one sentence."""
    raise_descriptor_limit()
    with ExitStack() as stack:
        listener = stack.enter_context(host.listening(options.host, options.port))
        stack.enter_context(host.data_dir_lock(options.data_dir))
        os.environ.update(host.embedded_environ(options, os.environ))
        server = LocalServer(options, listener)
        flag = host.hear_signals()
        stack.enter_context(server)
        host.say_ready(options.host, listener)
        host.wait_for_signal(flag)
    return 0
