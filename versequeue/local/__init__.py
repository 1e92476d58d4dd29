"""`versequeue up` on SQLite: one server process, and the worker as a child of it.

`host` is what every kind of `up` stands on.
"""
