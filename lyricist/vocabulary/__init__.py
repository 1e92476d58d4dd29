"""A bundle's tokens, and what each of them is as a word.

Knows no network and no song.
"""
