"""Addresses against what browsers make of them."""

import pytest

from keras_textcls.data.downloads.addresses import (
    AddressError,
    basic_authorization,
    parse_address,
    refuse_private,
)


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("http://example.org", "example.org", "/"),
        ("HTTPS://Example.ORG:8443/A?b=C#d", "example.org", "/A?b=C"),
        ("http://[::1]:80/a", "[::1]", "/a"),
        ("http://ann:pw@example.org/a", "example.org", "/a"),
        ("http://bücher.example/ü", "xn--bcher-kva.example", "/%C3%BC"),
        ("http://example.org/a b/../c", "example.org", "/c"),
        ("http://example.org\\@evil.example/", "example.org", "/%5C@evil.example/"),
    ],
)
def test_takes_apart(url, host, target):
    parsed = parse_address(url)
    assert (parsed.host, parsed.request_uri) == (host, target)


def test_a_refusal_does_not_repeat_the_address():
    with pytest.raises(AddressError) as caught:
        parse_address("http://ann:secret@[::1/")
    assert "secret" not in str(caught.value)


# The first pair is the example of RFC 7617.
@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("Aladdin:open%20sesame", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="),
        ("test:123%C2%A3", "Basic dGVzdDoxMjPCow=="),
    ],
)
def test_basic_authorization(auth, expected):
    assert basic_authorization(auth) == expected


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "0.0.0.0", "255.255.255.255", "224.0.0.1", "::1", "[::1]", "::", "fe80::1%eth0",
        "fd00::1", "ff02::1", "ff0e::1", "::ffff:10.0.0.1", "::ffff:224.0.0.1", "2002:7f00:1::",
    ],
)  # fmt: skip
def test_private_addresses_are_refused(host):
    with pytest.raises(AddressError, match="private network.*`allow_private=True`"):
        refuse_private("8.8.8.8", host)


@pytest.mark.parametrize(
    "host", ["8.8.8.8", "[2606:4700::1111]", "::ffff:8.8.8.8", "example.org", "10.example.org"]
)
def test_public_addresses_and_names_are_let_pass(host):
    refuse_private(host)
