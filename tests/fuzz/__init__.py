"""Strangers' bytes, made up by the thousand: every parser answers by its named errors, and soon.

`make test` gives each property a few dozen cases, always the same; `make fuzz` as many as asked.
"""

#: The variable that says how many cases each property gets. Stands here, where nothing is imported.
CASES = "VERSEQUEUE_FUZZ_CASES"
