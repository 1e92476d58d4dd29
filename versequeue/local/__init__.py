"""`versequeue up` on SQLite: one server process with threads for HTTP, the queue, the webhooks and
the sweep, and the worker as its child. `host` and `app` serve `versequeue.emulated` too.
"""
