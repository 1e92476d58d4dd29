"""The job system: submit, wait, cancel, work, repair. Callers meet `jobs` and `batches`, the worker
`worker`, the scheduler `sweep`.

Works through the ports alone. Knows no host and no model, and of HTTP only what the contract says.
"""
