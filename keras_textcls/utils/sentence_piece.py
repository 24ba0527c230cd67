"""SentencePiece models, read and written byte by byte.

Newer checkpoints hold a `tokenizer.json` only, where Keras Hub wants the
SentencePiece model itself. Its format is a protocol buffer of three messages
(`sentencepiece_model.proto` of SentencePiece), small enough to do without the
compiled schema, which neither Keras Hub nor TensorFlow brings along.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any

from keras_textcls.errors import PresetError

NORMAL, UNKNOWN, CONTROL = 1, 2, 3
_UNIGRAM = 1


@dataclasses.dataclass(frozen=True)
class SentencePieceModel:
    """The contents of a SentencePiece unigram model.

    Args:
        pieces: list of `(piece, score, type)`, by id.
        charsmap: bytes, the compiled table of the normalizer. Empty for none.
        is_unigram: bool, whether it is no byte-pair or word model.
        options: dict of the normalizer's switches: `add_dummy_prefix`,
            `remove_extra_whitespaces` and `escape_whitespaces`.
    """

    pieces: list[tuple[str, float, int]]
    charsmap: bytes = b""
    is_unigram: bool = True
    options: dict[str, bool] = dataclasses.field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Return the protocol buffer."""
        parts = []
        for piece, score, kind in self.pieces:
            body = _field(1, piece.encode()) + b"\x15" + struct.pack("<f", score)
            parts.append(_field(1, body + _number(3, kind)))
        unknown = next((i for i, p in enumerate(self.pieces) if p[2] == UNKNOWN), 0)
        # Starts, ends and padding are packed outside of the model.
        trainer = _number(3, _UNIGRAM) + _number(4, len(self.pieces)) + _number(40, unknown)
        trainer += b"".join(_number(field, -1) for field in (41, 42, 43))
        trainer += _field(45, self.pieces[unknown][0].encode())
        switches = [self.options.get(name, True) for name in _SWITCHES]
        rule = _field(1, b"user_defined") + _field(2, self.charsmap)
        rule += b"".join(_number(3 + i, int(on)) for i, on in enumerate(switches))
        return b"".join(parts) + _field(2, trainer) + _field(3, rule)


_SWITCHES = ("add_dummy_prefix", "remove_extra_whitespaces", "escape_whitespaces")


def read_model(proto: bytes, where: str) -> SentencePieceModel:
    """Read a SentencePiece model.

    Args:
        proto: bytes of the file.
        where: string, for messages.

    Returns:
        A `SentencePieceModel`.

    Raises:
        PresetError: it is no such model.
    """
    try:
        return _parse(proto)
    except (IndexError, ValueError, struct.error) as error:
        raise PresetError(f"{where} is no SentencePiece model: {error}") from error


def read_charsmap(spec: bytes) -> bytes:
    """Return the table of a serialized `NormalizerSpec`, empty for none."""
    return dict(_fields(spec)).get(2, b"")


def _parse(proto: bytes) -> SentencePieceModel:
    pieces, charsmap, is_unigram = [], b"", True
    options = dict.fromkeys(_SWITCHES, True)
    for field, value in _fields(proto):
        if field == 1:
            piece: dict[int, Any] = {1: b"", 2: 0.0, 3: NORMAL, **dict(_fields(value))}
            pieces.append((piece[1].decode(), piece[2], piece[3]))
        elif field == 2:
            is_unigram = dict(_fields(value)).get(3, _UNIGRAM) == _UNIGRAM
        elif field == 3:
            rule = dict(_fields(value))
            charsmap = rule.get(2, b"")
            options = {name: bool(rule.get(3 + i, 1)) for i, name in enumerate(_SWITCHES)}
    if not pieces:
        raise ValueError("it has no pieces")
    return SentencePieceModel(pieces, charsmap, is_unigram, options)


def _fields(message: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        field, wire = key >> 3, key & 7
        if wire == 0:
            value, position = _varint(message, position)
            yield field, value
        elif wire == 5:
            yield field, struct.unpack_from("<f", message, position)[0]
            position += 4
        elif wire == 1:
            position += 8
        elif wire == 2:
            size, position = _varint(message, position)
            if position + size > len(message):
                raise ValueError("it is cut short")
            yield field, message[position : position + size]
            position += size
        else:
            raise ValueError(f"unknown wire type {wire}")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


def _encode(value: int) -> bytes:
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _number(field: int, value: int) -> bytes:
    return _encode(field << 3) + _encode(value)


def _field(field: int, body: bytes) -> bytes:
    return _encode(field << 3 | 2) + _encode(len(body)) + body
