"""From bytes to UTF-8."""

import codecs
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_textcls.data.formats.encodings import (
    Utf8Blocks,
    check_encoding,
    decode,
    detect_encoding,
    to_utf8,
)
from keras_textcls.errors import ArgumentError

GERMAN = "Grüße aus Köln, schöne Straße – sehr schön\n" * 3


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_text_is_decoded_whatever_the_encoding(encoding):
    assert decode(GERMAN.encode(encoding)) == GERMAN


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark_is_found(encoding):
    assert detect_encoding(GERMAN.encode(encoding)).encoding == encoding


def test_some_broken_bytes_do_not_make_utf_8_another_encoding():
    data = ("naïve café ñandú\n" * 5).encode() + b"broken \xe2\x80? here\n"
    assert detect_encoding(data).encoding == "utf-8"
    with pytest.raises(UnicodeDecodeError):
        decode(data)


@given(st.text(), st.sampled_from(["utf-8", "utf-16-le", "utf-32-be", "utf-7"]), st.data())
def test_blocks_may_be_cut_within_a_character(text, encoding, data):
    raw = text.encode(encoding, "ignore")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=3)))
    edges = [0, *cuts, len(raw)]
    blocks = [raw[a:b] for a, b in itertools.pairwise(edges) if a < b]
    given_name = check_encoding(encoding)
    expected = raw.decode(encoding).encode("utf-8")
    if encoding != "utf-8":
        assert b"".join(Utf8Blocks(blocks, given_name)).removeprefix(codecs.BOM_UTF8) == (
            expected.removeprefix(codecs.BOM_UTF8)
        )


@given(st.binary(max_size=200))
def test_any_bytes_give_bytes(data):
    assert isinstance(to_utf8(data), bytes)
    for encoding in ("utf-16-le", "utf-32-be", "cp1252", "shift_jis"):
        assert isinstance(to_utf8(data, encoding), bytes)


def test_what_cannot_be_read_is_no_utf_8():
    for data, encoding in [(b"a\x81b", "cp1252"), ("ab".encode("utf-16-le")[:-1], "utf-16-le")]:
        with pytest.raises(UnicodeDecodeError):
            to_utf8(data, encoding).decode("utf-8")


def test_the_choice_waits_for_the_first_character_beyond_ascii():
    blocks = Utf8Blocks([b"plain\n", "caf\u00e9 sch\u00f6n\n".encode("cp1252")])
    assert b"".join(blocks).decode() == "plain\ncafé schön\n"
    assert blocks.encoding == "cp1252"


@pytest.mark.parametrize("encoding", ["utf-99", "base64", "", None])
def test_unknown_encodings_are_refused(encoding):
    with pytest.raises(ArgumentError, match="encoding="):
        check_encoding(encoding)
