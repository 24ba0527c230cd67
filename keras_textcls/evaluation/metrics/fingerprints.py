"""Fingerprints of texts and labels: reports can be ranked if theirs are equal."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from keras_textcls.evaluation.metrics.scores import CHUNK, Scores


def fingerprint(scores: Scores, table: pa.Table | None) -> str:
    """Hash texts and actual labels, in their order; the order of the model's labels is ignored.

    Args:
        scores: `Scores`.
        table: `pyarrow.Table` of the texts, or `None` if they are unknown.

    Returns:
        A string of 64 hexadecimal digits (SHA-256).
    """
    hasher = hashlib.sha256(f"keras-textcls report 1 {len(scores)} {scores.multi_label}".encode())
    names = scores.all_labels
    if scores.multi_label:
        occurs = [i for i in range(len(names)) if (scores.y_true[:, i] != 0).any()]
    else:
        occurs = np.unique(scores.y_true).tolist()
    ordered = sorted(occurs, key=lambda i: names[i])
    hasher.update(repr([names[i] for i in ordered]).encode())
    if scores.multi_label:
        hasher.update(np.ascontiguousarray(scores.y_true[:, ordered]).tobytes())
    else:
        ranks = np.zeros(len(names), np.int32)
        ranks[ordered] = np.arange(len(ordered))
        hasher.update(ranks[scores.y_true].tobytes())
    for column in _text_columns(table):
        hasher.update(column.encode())
        for text in _texts(table, column):
            hasher.update(len(text).to_bytes(8, "little") + text)
    return hasher.hexdigest()


def text_digests(table: pa.Table | None) -> frozenset[bytes]:
    """Hash each text, to find the texts that two reports share.

    Args:
        table: `pyarrow.Table` of the texts, or `None`.

    Returns:
        A frozen set of digests of 8 bytes, empty if the texts are unknown.
    """
    columns = _text_columns(table)
    if not columns:
        return frozenset()
    pairs = zip(*(_texts(table, column) for column in columns), strict=True)
    return frozenset(hashlib.blake2b(b"\0".join(texts), digest_size=8).digest() for texts in pairs)


def _text_columns(table: pa.Table | None) -> list[str]:
    return [] if table is None else [n for n in ("text", "text_pair") if n in table.schema.names]


def _texts(table: pa.Table | None, column: str) -> Iterable[bytes]:
    assert table is not None
    for start in range(0, table.num_rows, CHUNK):
        for text in table.column(column).slice(start, CHUNK).to_pylist():
            yield (text or "").encode("utf-8", "surrogatepass")
