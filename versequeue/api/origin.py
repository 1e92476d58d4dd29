"""Where a request comes from: whose it is, which page sent it, and which host it was meant for.

Believes no address, host or page that a stranger can make up. Knows no route and no job.
"""

import hmac
from ipaddress import IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from flask import Request
from werkzeug.wrappers import Request as WsgiRequest

from versequeue.config import PAGE_SECRET_HEADER, Settings, host_name
from versequeue.errors import CrossOrigin, WrongHost
from versequeue.service.idempotency import client_hash

#: One home has a /64 of IPv6 at the least, and can take any address in it.
V6_PREFIX = 64
READING = ("GET", "HEAD", "OPTIONS")
#: How the names of headers begin that a proxy adds to what it passes on.
_PASSED_ON = ("x-forwarded-", "forwarded", "via", "x-real-ip", PAGE_SECRET_HEADER.lower())
_DEFAULT_PORTS = {"http": 80, "https": 443}


def client_of(request: Request, settings: Settings) -> str:
    """The hash under which the sender of `request` is known."""
    return client_hash(settings.hash_key, _caller_identity(request, settings))


def api_key_of(request: Request) -> str | None:
    """The key that came along, in X-Api-Key or as a bearer's token; None: neither."""
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    bearer = token.strip() if kind.lower() == "bearer" else None
    return request.headers.get("X-Api-Key", bearer)


def _caller_identity(request: Request, settings: Settings) -> str:
    """The API key, or the network that our own proxies report; never one that a caller wrote."""
    if settings.api_keys:
        return f"key:{api_key_of(request) or ''}"
    told = _reported(request, settings)
    return f"address:{network_of(told) or network_of(request.remote_addr or '') or 'unknown'}"


def _reported(request: Request, settings: Settings) -> str:
    if came_by_page_host(request, settings):
        named = request.headers.get(settings.page_address_header, "")
        if network_of(named):
            return named
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    if 0 < settings.trusted_proxies <= len(forwarded):
        return forwarded[-settings.trusted_proxies]
    return ""


def came_by_page_host(request: Request, settings: Settings) -> bool:
    """Whether the host of the page has passed this on: it alone knows the secret."""
    given = request.headers.get(PAGE_SECRET_HEADER, "").encode()
    return bool(settings.page_secret) and hmac.compare_digest(given, settings.page_secret.encode())


def is_this_machine(request: Request, settings: Settings) -> bool:
    """Whether a program of this machine has sent this itself, and no proxy for somebody else."""
    told = _reported(request, settings)
    if not told and any(name.lower().startswith(_PASSED_ON) for name, _ in request.headers):
        return False
    try:
        return ip_address(host_name(told or request.remote_addr or "")).is_loopback
    except ValueError:
        return False


def network_of(address: str) -> str:
    """Who counts as one: an IPv4 address, or the /64 around an IPv6 one; empty if it is neither.

    In one spelling, without a port, whatever way it is written.
    """
    try:
        found = ip_address(host_name(address).partition("%")[0])
    except ValueError:
        return ""
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(IPv6Network((found, V6_PREFIX), strict=False))
    return str(found)


def check_host(request: WsgiRequest, settings: Settings) -> None:
    """Raise WrongHost for a name that is not ours: a page can have any name lead to this machine.

    Such a page and this server are one origin to a browser, so nothing else would stop it.
    """
    if settings.hosts and host_name(request.headers.get("Host", "")) not in settings.hosts:
        raise WrongHost()


def check_page(request: Request, settings: Settings) -> None:
    """Raise CrossOrigin if a page of another origin makes a browser ask for a change.

    Forms and plain text need no leave of the browser's. Programs send no Origin, and pass.
    """
    if request.method in READING:
        return
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "")
    if site in ("same-origin", "none") or origin in settings.cors_origins:
        return
    if origin is None and not site:
        return
    # Behind a proxy that ends TLS the scheme is not to be seen here, so both ports are left out.
    here = _host_of(f"https://{request.headers.get('Host', '')}".removesuffix(":80"))
    # A page in a sandbox has the origin `null`, and no name: nor may this server have none.
    if origin is not None and not site and here and _host_of(origin) == here:
        return
    raise CrossOrigin()


def _host_of(origin: str) -> str:
    try:
        parts = urlsplit(origin)
        port = parts.port
    except ValueError:
        return ""
    shown = "" if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{port}"
    return f"{parts.hostname or ''}{shown}"
