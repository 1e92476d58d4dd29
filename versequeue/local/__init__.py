"""`versequeue up` on SQLite: one server process, and the worker as a child of it.

`host` holds what `up --backend emulators` needs too.
"""
