"""A cache of text embeddings on disk, kept between runs and shared between processes.

There is a folder for each embedding configuration (backbone, pooling, tokenizer, length,
backend), named by its hash. It contains files of embeddings with the hashes of their texts:
if a dataset grows by ten texts, only ten are embedded. Files are written once and never
changed, so that readers need no lock. An error of the cache never makes a training fail.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import secrets
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from keras_textcls.inputs.text_batches import open_texts
from keras_textcls.inputs.texts import TextColumns
from keras_textcls.saving.weight_fingerprint import weight_fingerprint
from keras_textcls.tokenization.preprocessor_fingerprint import asset_hashes, without_names
from keras_textcls.utils.atomic import remove_abandoned, replace_file
from keras_textcls.utils.cache_folder import cache_folder

_FORMAT = "keras-textcls embeddings 1"
# Bytes of a text's hash: two of a billion texts have the same with a probability of 1e-21.
_DIGEST_SIZE = 16
_HASH = f"S{_DIGEST_SIZE}"
# Arguments that affect only the head; any other argument of a classifier may change embeddings.
_OF_THE_HEAD = frozenset(
    "name trainable num_classes labels multi_label hidden_dim activation dropout normalize seed "
    "long_texts thresholds temperature vector_scaling answer_options training_summary".split()
)

_log = logging.getLogger(__name__)


class EmbeddingCache:
    """Stores embeddings by the hash of their text and of the embedding configuration.

    Args:
        directory: string or path, or `None`. Defaults to `None`: `embeddings`
            in the folder that the environment variable `KERAS_TEXTCLS_CACHE`
            names, else in `~/.cache/keras_textcls`.
        max_bytes: int, maximum size; beyond it, the least recently used files are
            removed. Defaults to 2 GB.

    Example:
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = EmbeddingCache(folder)
    ...     cache.put("bert", text_hashes((["hi"],)), np.ones((1, 2), "float32"))
    ...     cache.get("bert", text_hashes((["hi", "you"],)))[1].tolist()
    [True, False]
    """

    def __init__(
        self, directory: str | os.PathLike[str] | None = None, max_bytes: int = 2 * 10**9
    ) -> None:
        self.directory = cache_folder("embeddings") if directory is None else Path(directory)
        self.max_bytes = max_bytes

    def get(self, key: str, hashes: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """Look up embeddings.

        Args:
            key: string, hash of the configuration, from `embedding_key`.
            hashes: array of shape `(num_texts,)`, from `text_hashes`.

        Returns:
            A tuple of a float32 array of shape `(num_texts, hidden_dim)`, or `None` if
            the cache has none, and a bool array of shape `(num_texts,)`: which texts
            are in the cache. The other rows are zeros.
        """
        is_cached = np.zeros(len(hashes), bool)
        features: np.ndarray | None = None
        order = np.argsort(hashes, kind="stable")
        for path in self._files(key):
            if is_cached.all():
                break
            for known, rows in _read(path):
                if features is None:
                    features = np.zeros((len(hashes), rows.shape[1]), "float32")
                if rows.shape[1] != features.shape[1]:
                    continue
                # All texts that are in the file, including duplicates.
                positions = np.searchsorted(known, hashes[order])
                positions[positions == len(known)] = 0
                is_hit = (known[positions] == hashes[order]) & ~is_cached[order]
                features[order[is_hit]] = rows[positions[is_hit]]
                is_cached[order[is_hit]] = True
                if is_hit.any():
                    with contextlib.suppress(OSError):
                        os.utime(path)
        return features, is_cached

    def put(self, key: str, hashes: np.ndarray, features: np.ndarray) -> None:
        """Store embeddings, if the folder can be written.

        Args:
            key: string, hash of the configuration, from `embedding_key`.
            hashes: array of shape `(num_texts,)`, from `text_hashes`.
            features: float32 array of shape `(num_texts, hidden_dim)`.
        """
        known, first = np.unique(hashes, return_index=True)
        rows = np.ascontiguousarray(features[first], "float32")
        if rows.nbytes > self.max_bytes:
            _log.warning(
                "The embeddings take %d bytes, more than max_bytes=%d of the cache.",
                rows.nbytes,
                self.max_bytes,
            )
            return
        tensors = {"features": rows, "hashes": known.view(np.uint8).reshape(-1, _DIGEST_SIZE)}
        metadata = {"format": _FORMAT, "sha256": _checksum(tensors)}
        try:
            with replace_file(self._folder(key) / f"{secrets.token_hex(16)}.safetensors") as path:
                save_file(tensors, path, metadata)
            self._evict()
        # On a full disk, Python raises an OSError and safetensors a SafetensorError.
        except (OSError, SafetensorError) as error:
            _log.warning("The embeddings are not kept in the cache: %s.", error)

    def _folder(self, key: str) -> Path:
        if self.directory is None:
            raise FileNotFoundError("the user has no home directory")
        return self.directory / key

    def _files(self, key: str) -> list[Path]:
        """The files of a key, the largest first."""
        with contextlib.suppress(OSError):
            sizes = {path: size for path, size, _ in _entries(self._folder(key))}
            return sorted(sizes, key=lambda path: (-sizes[path], path.name))
        return []

    def _evict(self) -> None:
        entries = []
        for folder in Path(self._folder("")).iterdir():
            if folder.is_dir():
                entries += _entries(folder)
                remove_abandoned(folder.glob(".saving-*"))
        excess = sum(size for _, size, _ in entries) - self.max_bytes
        for path, size, _ in sorted(entries, key=lambda entry: entry[2]):
            if excess <= 0:
                break
            # On Windows a file that is being read cannot be removed.
            with contextlib.suppress(OSError):
                path.unlink()
                excess -= size


def embed_cached(
    classifier: Any, x: Any, cache: EmbeddingCache | None = None, verbose: str | int = 0
) -> tuple[np.ndarray, bool]:
    """Embed texts; embeddings in the cache are reused.

    Duplicates are embedded once.

    Args:
        classifier: `TextClassifier`.
        x: texts as in `classifier.embed`, or a dataset; streams are not supported.
        cache: `EmbeddingCache`, or `None` for none. Defaults to `None`.
        verbose: as in `keras.Model.predict`. Defaults to `0`.

    Returns:
        A tuple of a float32 array of shape `(num_texts, hidden_dim)` and a
        bool, whether all of them were in the cache.
    """
    parts = [batch.texts for batch in open_texts(x, labelled=False).read()]
    hashes = np.concatenate([text_hashes(columns) for columns in parts])
    key = embedding_key(classifier) if cache else ""
    features, is_cached = cache.get(key, hashes) if cache else (None, np.zeros(len(hashes), bool))
    if features is not None and is_cached.all():
        return features, True
    missing, first = np.unique(hashes[~is_cached], return_index=True)
    first = np.sort(np.flatnonzero(~is_cached)[first])
    fresh = classifier.embed(_take(parts, first), verbose=verbose)
    if cache:
        cache.put(key, hashes[first], fresh)
    by_hash = np.argsort(hashes[first], kind="stable")
    if features is None:
        features = np.zeros((len(hashes), fresh.shape[1]), "float32")
    features[~is_cached] = fresh[by_hash[np.searchsorted(missing, hashes[~is_cached])]]
    return features, False


def text_hashes(columns: TextColumns) -> np.ndarray:
    """Hash texts, or pairs of them.

    Args:
        columns: tuple of lists of strings.

    Returns:
        An array of shape `(num_texts,)` of 16 bytes each.
    """
    digests = bytearray()
    for texts in zip(*columns, strict=True):
        encoded = [text.encode("utf-8") for text in texts]
        # With the lengths, pairs that are split at another position have another hash.
        head = b"".join(len(text).to_bytes(8, "little") for text in encoded)
        digests += hashlib.sha256(head + b"".join(encoded)).digest()[:_DIGEST_SIZE]
    return np.frombuffer(bytes(digests), _HASH)


def embedding_key(classifier: Any) -> str:
    """Hash everything that embeddings depend on except the texts.

    These are the weights and the architecture of the backbone, the vocabulary and the
    settings of the preprocessor, the pooling, the dtype and the backend.

    Args:
        classifier: `TextClassifier`.

    Returns:
        A string of 64 hexadecimal digits (SHA-256).
    """
    config = {k: v for k, v in classifier.get_config().items() if k not in _OF_THE_HEAD}
    parts = {
        "format": _FORMAT,
        "config": without_names(config),
        "long_texts": classifier.long_texts,
        "weights": weight_fingerprint(classifier.backbone),
        "assets": asset_hashes(getattr(classifier.preprocessor, "tokenizer", None)),
        "dtype": classifier.backbone.dtype_policy.name,
        "backend": keras.backend.backend(),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _take(parts: Sequence[TextColumns], indices: np.ndarray) -> Any:
    columns = []
    for i in range(len(parts[0])):
        texts = [text for part in parts for text in part[i]]
        columns.append([texts[j] for j in indices])
    return columns[0] if len(columns) == 1 else tuple(columns)


def _read(path: Path) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the hashes and embeddings of a file; nothing if it is broken."""
    try:
        with safe_open(path, "numpy") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            metadata = file.metadata() or {}
    except FileNotFoundError:
        return  # Removed by another process just now.
    except (OSError, SafetensorError) as error:
        _log.warning("The cache file %s cannot be read: %s.", path, error)
        return
    if metadata.get("format") != _FORMAT or metadata.get("sha256") != _checksum(tensors):
        _log.warning("The cache file %s is not whole.", path)
        return
    yield tensors["hashes"].reshape(-1).view(_HASH), tensors["features"]


def _checksum(tensors: dict[str, np.ndarray]) -> str:
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(f"{name} {tensors[name].dtype} {tensors[name].shape}".encode())
        digest.update(np.ascontiguousarray(tensors[name]).data.cast("B"))
    return digest.hexdigest()


def _entries(folder: Path) -> list[tuple[Path, int, float]]:
    """Path, size and time of the last use of every complete file."""
    entries = []
    for path in folder.glob("[!.]*.safetensors"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            entries.append((path, status.st_size, status.st_mtime))
    return entries
