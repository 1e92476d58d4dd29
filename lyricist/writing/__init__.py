"""Songs: which word comes next so that lines end, rhyme, scan and stay with their prompt.

The entrance is `writer.Writer`. Knows engines by their port only, and nothing of jobs.
"""
