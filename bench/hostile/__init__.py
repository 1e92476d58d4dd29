"""A hostile visitor's day: ten ordinary visitors write songs while somebody does harm.

`attacks` is what he does, in a process of its own; `visitors` is who suffers; `watch` looks at what
the server takes of the machine; `day` puts them together and compares with an undisturbed run.
"""

from bench.hostile.day import run

__all__ = ["run"]
