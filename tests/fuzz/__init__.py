"""Strangers' bytes, made up by the thousand: every parser answers by its named errors, and soon.

`make test` gives each property a few dozen cases, always the same; `make fuzz` as many as asked.
"""
