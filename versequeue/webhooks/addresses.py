"""Where a webhook or a push may go: which URLs are taken, which addresses connected to. Pure.

A URL is checked when it is submitted, without a look-up; the addresses behind its host name are
checked at every attempt, since a name may point elsewhere by then.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from versequeue.errors import WebhookUrlForbidden
from versequeue.rules.webhook import Webhook

Address = IPv4Address | IPv6Address
MAX_URL_CHARACTERS = 2048
DEFAULT_PORTS = {"https": 443, "http": 80}
#: Below this, ports belong to services that are no web servers.
FIRST_FREE_PORT = 1024
#: Names that never leave a machine or a network.
PRIVATE_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "localdomain")

# All addresses that the IANA has handed out for use on the Internet; what carries an IPv4 address
# inside (mapped ::ffff:0:0/96, NAT64 64:ff9b::/96 and 64:ff9b:1::/48) lies outside of it.
_INTERNET_V6 = IPv6Network("2000::/3")
# What lies inside of it and still leads elsewhere: Teredo, ORCHID and other protocols' own,
# documentation (twice), 6to4 with an IPv4 address inside.
_NOT_INTERNET_V6 = tuple(
    IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
# Protocols' own, and 6to4 relays.
_NOT_INTERNET_V4 = tuple(IPv4Network(block) for block in ("192.0.0.0/24", "192.88.99.0/24"))
#: What `allow_private` adds: this machine and private networks, by name, since other special blocks
#: carry an IPv4 address inside or lead to this machine in another way (0.0.0.0/8).
PRIVATE_NETWORKS = tuple(
    ip_network(block)
    for block in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)
#: Where clouds hand out a machine's identity and secrets to whatever asks from inside of it. Most
#: do at link-local addresses, never connected to; these lie among private or public ones.
METADATA_NETWORKS = tuple(
    ip_network(block)
    for block in (
        "fd00:ec2::/32",  # Amazon: instances, containers, pods, time and names
        "fd20:ce::254/128",  # Google
        "fd00:c1::a9fe:a9fe/128",  # Oracle
        "fd00:42::42/128",  # Scaleway
        "fd00:a9fe:a9fe::1/128",  # Akamai (Linode)
        "168.63.129.16/32",  # Azure
        "100.100.100.200/32",  # Alibaba
        "192.0.0.192/32",  # Oracle's older cloud
        "192.80.8.124/32",  # Equinix Metal
    )
)
# Labels as DNS takes them, with the underscores that some people have.
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
MAX_HOST_CHARACTERS = 253
# The WHATWG takes a last label like these as part of an IPv4 address: 127.1, 0x7f000001, 0177.1
_NUMERIC_LABEL = re.compile(r"(0x[0-9a-f]*|[0-9]+)", re.IGNORECASE)


@dataclass(frozen=True)
class Endpoint:
    """A webhook's URL in the parts that a request needs."""

    scheme: str
    #: an ASCII name or an address without brackets
    host: str
    port: int
    #: path and query
    target: str

    @property
    def host_header(self) -> str:
        """The host as the Host header names it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def place(self) -> str:
        """The host and port, in one spelling."""
        return f"{_literal(self.host) or self.host} {self.port}"

    @property
    def receiver(self) -> str:
        """Who is called there: the URL without its query, in one spelling."""
        return f"{self.scheme}://{self.host_header.lower()}{self.target.partition('?')[0]}"


def read_url(url: str, *, allow_private: bool) -> Endpoint:
    """The parts of `url`. Raises WebhookUrlForbidden with what is wrong, without any look-up."""
    if len(url) > MAX_URL_CHARACTERS or not re.fullmatch(r"[\x21-\x5b\x5d-\x7e]+", url):
        raise WebhookUrlForbidden(
            f"A URL here is at most {MAX_URL_CHARACTERS} visible ASCII characters, no backslash."
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise WebhookUrlForbidden("The URL cannot be read.") from error
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".")
    if scheme != "https" and not (allow_private and scheme == "http"):
        begins = "https:// or http://" if allow_private else "https://"
        raise WebhookUrlForbidden(f"A URL here begins with {begins}.")
    if parts.username is not None or parts.password is not None:
        raise WebhookUrlForbidden("The URL is to have no user name and no password.")
    port = DEFAULT_PORTS[scheme] if port is None else port
    _check_host(host, allow_private)
    _check_port(scheme, port, allow_private)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Endpoint(scheme, host, port, target)


def subscription(url: str, events: Sequence[str], *, allow_private: bool) -> Webhook:
    """The webhook that a request asks for. Raises WebhookUrlForbidden if it cannot be had."""
    read_url(url, allow_private=allow_private)
    return Webhook(url, tuple(dict.fromkeys(events)))


def may_connect(address: Address, *, allow_private: bool) -> bool:
    """Whether a webhook may be sent to `address`.

    `allow_private` adds PRIVATE_NETWORKS; never addresses at which a cloud serves the secrets of a
    machine.
    """
    if address.is_link_local or _serves_secrets(address):
        return False
    if is_public(address):
        return True
    return allow_private and any(address in network for network in PRIVATE_NETWORKS)


def is_public(address: Address) -> bool:
    """Whether `address` is an ordinary one of the Internet, and carries no other one inside."""
    if _serves_secrets(address):
        return False
    if isinstance(address, IPv6Address):
        inside = address in _INTERNET_V6 and address.scope_id is None
        return inside and not any(address in block for block in _NOT_INTERNET_V6)
    if address.is_multicast or any(address in block for block in _NOT_INTERNET_V4):
        return False
    return address.is_global and not address.is_reserved


def _serves_secrets(address: Address) -> bool:
    return any(address in network for network in METADATA_NETWORKS)


def _check_host(host: str, allow_private: bool) -> None:
    literal = _literal(host)
    if literal is not None:
        if not may_connect(literal, allow_private=allow_private):
            raise WebhookUrlForbidden("The URL's address is not a public one.")
        return
    labels = host.lower().split(".")
    is_name = len(host) <= MAX_HOST_CHARACTERS and all(map(_LABEL.fullmatch, labels))
    if not is_name or _NUMERIC_LABEL.fullmatch(labels[-1]):
        raise WebhookUrlForbidden("The URL has no valid host name.")
    if not allow_private and (len(labels) == 1 or labels[-1] in PRIVATE_NAMES):
        raise WebhookUrlForbidden("The URL's host name is not a public one.")


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _check_port(scheme: str, port: int, allow_private: bool) -> None:
    if port == DEFAULT_PORTS[scheme] or port >= FIRST_FREE_PORT:
        return
    if not allow_private or port == 0:
        raise WebhookUrlForbidden(
            f"The URL's port is to be {DEFAULT_PORTS[scheme]} or at least {FIRST_FREE_PORT}."
        )
