"""The job system: submit, wait, cancel, work, repair. Callers meet `jobs` and `batches`, which
share `callers`; the worker meets `worker`, and the scheduler `sweep`.

Works through the ports alone. Knows no HTTP, no host and no model.
"""
