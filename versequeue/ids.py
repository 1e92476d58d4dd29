"""Where ids and seeds come from, so that a test can put its own in their place."""

import secrets
from collections.abc import Callable

#: from a prefix such as `job_` to an id that nobody can guess
IdSource = Callable[[str], str]


def random_id(prefix: str) -> str:
    """`prefix` and 160 random bits: the only key to what it names."""
    return prefix + secrets.token_hex(20)


def random_seed() -> int:
    """A seed for a job that asked for none, 0 to 2**32 - 1."""
    return secrets.randbits(32)
