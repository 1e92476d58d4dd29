"""The job system: submit, wait, cancel, work, repair. Callers meet `jobs` and `batches`, which
share `callers`; the worker meets `worker`, and the scheduler `sweep`.

Works through the ports alone. Knows no host and no model, and of HTTP only what is part of the
contract: the paths in `views`, the headers of a limit in `limits`.
"""
