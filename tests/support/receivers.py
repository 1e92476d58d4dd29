"""Receivers of webhooks on loopback, well behaved and not, each in a thread of its own."""

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

#: What a receiver does on an open connection once it has read the request.
Behaviour = Callable[[socket.socket], None]


@dataclass
class Call:
    """One request as it arrived."""

    line: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers the first call with the first behaviour, later ones with the last."""

    port: int
    behaviours: list[Behaviour]
    calls: list[Call] = field(default_factory=list)
    #: connections, also those on which no request came
    connections: int = 0
    #: set when the test is over: whoever would go on for ever looks at it
    over: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens, in plain http."""
        return f"http://127.0.0.1:{self.port}/hook"


def answer(status: int, body: str = "", **headers: str) -> Behaviour:
    """A complete answer."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join([*lines, "", body]))


def raw(text: str) -> Behaviour:
    """These very characters, and then the end of the connection."""
    return lambda connection: connection.sendall(text.encode())


@contextmanager
def receiver(
    *behaviours: Behaviour, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[Receiver]:
    """A receiver that listens while the block runs."""
    served = Receiver(0, list(behaviours))

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            served.connections += 1
            try:
                connection = self.request
                if tls:
                    connection = tls.wrap_socket(self.request, server_side=True)
                with connection:
                    _serve(served, connection)
            except OSError:
                return  # the caller hung up, which is its right

    class Server(socketserver.ThreadingTCPServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        allow_reuse_address = True
        daemon_threads = True
        block_on_close = False

    with Server((host, 0), Handler) as server:
        served.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield served
        finally:
            served.over.set()
            server.shutdown()
            thread.join()


def _serve(served: Receiver, connection: socket.socket) -> None:
    stream = connection.makefile("rb")
    line = stream.readline().decode().strip()
    if not line:
        return
    headers: dict[str, str] = {}
    while text := stream.readline().decode().strip():
        name, _, value = text.partition(":")
        headers[name] = value.strip()
    body = stream.read(int(headers.get("Content-Length", "0")))
    served.calls.append(Call(line, headers, body))
    index = min(len(served.calls), len(served.behaviours)) - 1
    served.behaviours[index](connection)


def drip(pause_s: float, over: Callable[[], threading.Event], text: str) -> Behaviour:
    """`text`, and then a space at every pause, until the test is over."""

    def behave(connection: socket.socket) -> None:
        connection.sendall(text.encode())
        while not over().wait(pause_s):
            connection.sendall(b" ")

    return behave


OTHER_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "encipher_only", "decipher_only"),
)


def certificates(folder: Path, host: str) -> dict[str, Any]:
    """A certificate for `host` by an authority of our own: contexts of a server and a client."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate("Test authority", authority_key, None, None)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _certificate(host, key, authority, authority_key)
    pem = folder / f"{host}.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    authority_pem = authority.public_bytes(serialization.Encoding.PEM).decode()
    return {"server": server, "client": lambda: ssl.create_default_context(cadata=authority_pem)}


def _certificate(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey | None,
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    signing_key = issuer_key or key
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(of_issuer, critical=False)
    )
    if issuer:
        names = x509.SubjectAlternativeName([x509.DNSName(name)])
        builder = builder.add_extension(names, critical=False)
    else:  # Python asks an authority for this from 3.13 on
        rest = dict.fromkeys(OTHER_USAGES, False)
        usage = x509.KeyUsage(key_cert_sign=True, crl_sign=True, **rest)
        builder = builder.add_extension(usage, critical=True)
    return builder.sign(signing_key, hashes.SHA256())
