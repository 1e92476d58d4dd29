"""How large each service is: what a deployment asks for, and what its processes are told of it.

The deployment, `up --backend emulators` and the tests of staged functions all read this table, so
that what is tested is what is deployed.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """What one instance of a service has, and how many there may be."""

    #: processors
    cpu: int = 1
    memory_mib: int = 512
    #: requests that one instance takes at a time, each in a thread of its own
    concurrency: int = 80
    max_instances: int = 3
    #: when the host ends a request
    timeout_s: int = 60
    has_model: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """What the service's process is told, as environment variables.

        The host shows more processors while an instance starts than it gives it afterwards.
        """
        threads = {"THREADS": str(self.concurrency)}  # read by functions-framework
        model = {"VERSEQUEUE_MODEL_THREADS": str(self.cpu)} if self.has_model else {}
        return threads | model


STANDARD = Size()
#: Eight songs of 64 lines at once took 1.4 GiB. It ends before its message is sent again.
WORKER = Size(cpu=2, memory_mib=2048, concurrency=1, timeout_s=590, has_model=True)
#: All instances together use 20 processors, which is what a new project has in a region.
SIZES = {
    "submit": STANDARD,
    "results": STANDARD,
    "worker": WORKER,
    "bulk": WORKER,
    # More than there are senders: what has to wait for one is put back meanwhile.
    "notify": Size(concurrency=24, max_instances=1),
    "sweep": Size(concurrency=1, max_instances=1, timeout_s=120),
}
