"""Songs: what is said to the model, and which line comes after which.

The entrance is `writer.Writer`, which gives each song its share of an engine (`share`) and runs
them together, each as a generator that yields tokens (see `lyricist.engine.sessions`). Lines are
written by `lyricist.lines`. Knows engines by their port only, and nothing of jobs.
"""
