"""The worker function's own modules: the one place where jobs and a model meet."""
