"""Single lines: which word comes next so that a line ends, rhymes, scans and reads well.

The entrance is `search.LineSearch`: it writes many drafts of a line in rows of an engine, as a
generator that yields tokens (see `lyricist.engine.sessions`), and keeps the best. Knows what a song
has said so far, and nothing of its sections.
"""
