"""Web addresses: parsing, credentials, and the refusal of private networks."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import unicodedata
import urllib.parse

import urllib3
from urllib3.exceptions import LocationValueError
from urllib3.util import Url


class AddressError(Exception):
    """An address is refused. The message gives the reason and not the address."""


def parse_address(url: str) -> Url:
    """Parse an http or https address.

    Args:
        url: string.

    Returns:
        A `urllib3.util.Url` with a host.

    Raises:
        AddressError: the string is not such an address.

    Example:
    >>> parse_address("https://Example.org/a b.txt").url
    'https://example.org/a%20b.txt'
    >>> parse_address("file:///etc/hostname")
    Traceback (most recent call last):
    ...
    keras_textcls.data.downloads.addresses.AddressError: the address does not start with http:// or https://
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in url):
        raise AddressError("the address holds a character that no address may hold")
    try:
        parsed = urllib3.util.parse_url(url)
    except LocationValueError:
        raise AddressError("the address is not valid") from None
    if parsed.scheme not in ("http", "https"):
        raise AddressError("the address does not start with http:// or https://")
    if not parsed.host:
        raise AddressError("the address names no host")
    return parsed


def basic_authorization(auth: str) -> str:
    """Return the value of the header `Authorization` for a user name and a password.

    Args:
        auth: string, `name:password` as an address holds it.

    Returns:
        A string.

    Example:
    >>> basic_authorization("ann:p%40ss")
    'Basic YW5uOnBAc3M='
    """
    return "Basic " + base64.b64encode(urllib.parse.unquote_to_bytes(auth)).decode()


def refuse_private(*hosts: str) -> None:
    """Refuse addresses of this machine, of private networks and of no host.

    Args:
        hosts: strings, the hosts of a connection. A host name is accepted here: its
            addresses are checked after the look-up.

    Raises:
        AddressError: a host is not an address of the public internet.

    Example:
    >>> refuse_private("93.184.215.14", "example.org")
    >>> refuse_private("10.0.0.7")
    Traceback (most recent call last):
    ...
    keras_textcls.data.downloads.addresses.AddressError: the address leads into a private \
network; if that is wanted, pass a `DownloadPolicy` with `allow_private=True`
    """
    for host in hosts:
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
            # An IPv6 address may contain an IPv4 address, which is then the one that is reached.
            carried = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
            if not (carried or address).is_global or (carried or address).is_multicast:
                raise AddressError(
                    "the address leads into a private network; if that is wanted, pass a "
                    "`DownloadPolicy` with `allow_private=True`"
                )
