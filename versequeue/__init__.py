"""The job system: jobs, statuses, queues and stores.

Knows jobs, not tensors: no model runtime is imported here.
"""

__version__ = "0.2.0"
