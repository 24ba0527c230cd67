"""Values out of range are refused with the argument's name, the value and the remedy."""

import dataclasses
import math
import re
from pathlib import Path

import pytest

from keras_textcls.data.downloads.download_policy import DownloadPolicy
from keras_textcls.errors import ArgumentError

SECONDS = "must be a number of seconds, more than zero"
COUNT = "must be an integer, at least"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("timeout", 0, SECONDS),
        ("timeout", -1.0, SECONDS),
        ("timeout", math.inf, SECONDS),
        ("timeout", math.nan, SECONDS),
        ("timeout", None, SECONDS),
        ("deadline", 0.0, SECONDS),
        ("deadline", "60", SECONDS),
        ("deadline", True, SECONDS),
        ("backoff", -0.1, "must be a number of seconds, zero or more"),
        ("retries", -1, f"{COUNT} 0"),
        ("retries", 1.5, f"{COUNT} 0"),
        ("retries", True, f"{COUNT} 0"),
        ("max_bytes", 0, f"{COUNT} 1"),
        ("workers", 0, f"{COUNT} 1"),
        ("workers", None, f"{COUNT} 1"),
        ("allow_private", 1, "must be `True` or `False`"),
        ("allow_private", None, "must be `True` or `False`"),
        ("cache", True, "must be the path of a folder"),
        ("cache", 0, "must be the path of a folder"),
        ("cache", "", "must be the path of a folder"),
    ],
)
def test_refuses(name, value, message):
    with pytest.raises(ArgumentError, match=f"`{name}` {message}.*{name}={re.escape(repr(value))}"):
        DownloadPolicy(**{name: value})


def test_takes_the_ends_of_the_ranges():
    DownloadPolicy(timeout=1, deadline=1e-9, retries=0, max_bytes=1, workers=1, backoff=0)
    for cache in (None, False, "folder", Path("folder")):
        assert DownloadPolicy(cache=cache).cache == cache


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        DownloadPolicy().timeout = 1
