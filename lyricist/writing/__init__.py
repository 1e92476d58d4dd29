"""Songs: which word comes next so that lines end, rhyme, scan and stay with their prompt.

The entrance is `writer.Writer`, which gives each song its share of an engine (`share`) and runs
them together, each as a generator that yields tokens (see `lyricist.engine.sessions`). A line is
written as several drafts beside each other, each in a row of its own, of which the best is kept.
Knows engines by their port only, and nothing of jobs.
"""
