"""The job system: jobs, statuses, queues and stores. Imports no model runtime."""

__version__ = "0.3.0"
