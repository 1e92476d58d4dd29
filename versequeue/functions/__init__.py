"""What every `*_fn/main.py` begins with: the process's settings, store and queue, and its messages.

`wiring` is the one place that opens a store and a queue, by the setting `VERSEQUEUE_BACKEND`.
`versequeue up --backend` chooses which processes run, and sets that variable for them.
"""
