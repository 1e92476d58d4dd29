"""The job system, through the ports alone: `jobs` and `batches` for callers, `worker`, `sweep`."""
