"""Addresses against what browsers make of them."""

import pytest

from keras_textcls.data.downloads.addresses import AddressError, basic_authorization, parse_address


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
