"""A network between a client and a service, which forgets connections without telling anybody."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

#: Against hangs only.
LIMIT_S = 60.0


class Relay:
    """Hands on what each side sends, connection by connection, until it is told otherwise."""

    def __init__(self, listener: socket.socket, to: tuple[str, int]) -> None:
        self._listener, self._to = listener, to
        self.address = "{}:{}".format(*listener.getsockname())
        #: both ends of each connection that is handed on
        self._open: list[tuple[socket.socket, socket.socket]] = []
        self._forgotten: set[socket.socket] = set()
        #: how many connections were made
        self.made = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """What is sent on connections that are open now arrives nowhere, and nobody hears of it."""
        self._forgotten.update(end for pair in self._open for end in pair)

    def cut(self) -> None:
        """End every connection that is open now, as a service does that ends."""
        for pair in self._open:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End everything."""
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(self._to, timeout=LIMIT_S)
                far.settimeout(None)
                self._open.append((near, far))
                self.made += 1
                for source, target in ((near, far), (far, near)):
                    threading.Thread(
                        target=self._hand_on, args=(source, target), daemon=True
                    ).start()

    def _hand_on(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError), source:
            while piece := source.recv(65_536):
                if source not in self._forgotten:
                    target.sendall(piece)
            if source not in self._forgotten:
                target.shutdown(socket.SHUT_WR)


@contextmanager
def relay(to: str) -> Iterator[Relay]:
    """A relay to `host:port` on a port of its own."""
    host, _, port = to.rpartition(":")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        running = Relay(listener, (host, int(port)))
        try:
            yield running
        finally:
            running.close()
