"""The job system: submit, wait, cancel, work, repair. Its two faces are `jobs` and `batches` for
callers and `worker` for the worker.

Works through the ports alone. Knows no HTTP, no host and no model.
"""
