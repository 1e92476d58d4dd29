"""Where a webhook may go: URLs when they are submitted, addresses when they are called."""

from ipaddress import ip_address

import pytest

from versequeue.errors import WebhookUrlForbidden
from versequeue.webhooks.addresses import is_public, may_connect, read_url

PRIVATE_ADDRESSES = """
    0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.8.8.8 169.254.169.254 172.16.0.1 192.168.1.1
    192.0.0.1 192.0.2.1 192.88.99.1 198.18.0.1 198.51.100.1 203.0.113.9 224.0.0.1 239.1.1.1
    240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8
    ::ffff:0:127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::a00:1 100::1 2001::1
    2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1:: 2002:808:808::1 3fff::1
    fc00::1 fd20:ce::254 fe80::1 fec0::1 ff02::1 ff0e::1
"""


@pytest.mark.parametrize(
    ("allow_private", "told"), [(True, "https:// or http://"), (False, "https://")]
)
def test_another_scheme_is_told_those_that_would_do(allow_private: bool, told: str) -> None:
    with pytest.raises(WebhookUrlForbidden, match=f"begins with {told}\\.$"):
        read_url("ftp://example.org/", allow_private=allow_private)


@pytest.mark.parametrize("text", PRIVATE_ADDRESSES.split())
def test_no_address_is_public_that_leads_anywhere_but_to_the_internet(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", ["8.8.8.8", "93.184.215.14", "2606:4700:4700::1111", "2a00::1"])
def test_ordinary_addresses_are_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_even_the_private_mode_does_not_reach_link_local_and_shared_addresses() -> None:
    for text in ("127.0.0.1", "10.0.0.1", "192.168.0.9", "::1", "fd00::1", "8.8.8.8"):
        assert may_connect(ip_address(text), allow_private=True), text
    refused = """
        169.254.169.254 fe80::1 224.0.0.1 0.0.0.0 0.1.2.3 255.255.255.255 240.0.0.1 192.0.0.1 ::
        ::ffff:127.0.0.1 ::127.0.0.1 64:ff9b::7f00:1 64:ff9b:1::7f00:1 2002:7f00:1:: 100.64.0.1
    """
    for text in refused.split():
        assert not may_connect(ip_address(text), allow_private=True), text


@pytest.mark.parametrize(
    "text",
    [
        *("169.254.169.254", "169.254.170.2", "169.254.42.42", "168.63.129.16", "100.100.100.200"),
        *("192.0.0.192", "192.80.8.124", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254"),
        *("fd00:c1::a9fe:a9fe", "fd00:42::42", "fd00:a9fe:a9fe::1", "fe80::a9fe:a9fe"),
        # As an IPv6 address carries them: mapped, compatible, translated, NAT64 (twice), 6to4,
        # Teredo, ISATAP.
        *("::ffff:169.254.169.254", "::ffff:168.63.129.16", "::ffff:100.100.100.200"),
        *("::169.254.169.254", "::ffff:0:169.254.169.254", "64:ff9b::169.254.169.254"),
        *("64:ff9b:1::169.254.169.254", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1"),
        "fe80::5efe:169.254.169.254",
    ],
)
def test_where_a_cloud_serves_a_machines_secrets_is_never_connected_to(text: str) -> None:
    assert not may_connect(ip_address(text), allow_private=False)
    assert not may_connect(ip_address(text), allow_private=True)
    host = f"[{text}]" if ":" in text else text
    with pytest.raises(WebhookUrlForbidden):
        read_url(f"http://{host}/", allow_private=True)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "",
        "https://",
        "https:///path",
        "https://localhost/",
        "https://localhost./",
        "https://service.internal/",
        "https://printer.local/",
        "https://intranet/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:169.254.169.254]/",
        "https://169.254.169.254/computeMetadata/v1/",
        "https://2130706433/",
        "https://127.1/",
        "https://0x7f.0.0.1/",
        "https://0177.0.0.1/",
        "https://user:word@example.com/",
        "https://user@example.com/",
        "https://example.com@evil.example/",
        "https://exam ple.com/",
        "https://example.com\\@127.0.0.1/",
        "https://example.com/a\r\nHost: b",
        "https://example.com:99999/",
        "https://example.com:22/",
        "https://example.com:0/",
        "https://-bad-.com/",
        "https://a..b/",
        "https://%6c%6f/",
        "https://[::1",
        "https://" + "a." * 130 + "com/",
        "https://example.com/" + "x" * 2048,
        "https://exämple.com/",
    ],
)
def test_a_url_that_cannot_be_public_https_is_refused_at_once(url: str) -> None:
    with pytest.raises(WebhookUrlForbidden):
        read_url(url, allow_private=False)


@pytest.mark.parametrize(
    ("url", "host", "port", "target", "header"),
    [
        ("https://Example.COM", "example.com", 443, "/", "example.com"),
        ("https://example.com:443/a?b=c#d", "example.com", 443, "/a?b=c", "example.com"),
        ("https://example.com.:8443?x", "example.com", 8443, "/?x", "example.com:8443"),
        ("https://[2606:4700::1]/h", "2606:4700::1", 443, "/h", "[2606:4700::1]"),
        ("https://8.8.8.8/", "8.8.8.8", 443, "/", "8.8.8.8"),
    ],
)
def test_a_public_https_url_is_taken_apart(
    url: str, host: str, port: int, target: str, header: str
) -> None:
    endpoint = read_url(url, allow_private=False)
    assert (endpoint.host, endpoint.port, endpoint.target) == (host, port, target)
    assert endpoint.host_header == header


def test_private_mode_takes_http_and_names_of_this_network() -> None:
    for url in ("http://localhost:8000/", "http://receiver/", "http://10.0.0.1:81/x"):
        read_url(url, allow_private=True)
    with pytest.raises(WebhookUrlForbidden):
        read_url("http://169.254.169.254/", allow_private=True)


@pytest.mark.parametrize(
    "urls",
    [
        ("https://Example.com/a", "https://example.COM.:443/b", "https://example.com:000443/"),
        ("http://[::1]:80/", "http://[0:0::1]/", "http://[::0001]:0080/"),
    ],
)
def test_a_receiver_is_one_place_however_its_url_is_written(urls: tuple[str, ...]) -> None:
    assert len({read_url(url, allow_private=True).place for url in urls}) == 1
