"""The command line: one module a command, and how trouble is told to a person.

Talks to a server through `client` alone, but for `up`, which is one.
"""
