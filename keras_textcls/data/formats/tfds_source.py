"""Data sets of TensorFlow Datasets as a source of rows."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any

from keras_textcls.data.formats.tables import RowsSource
from keras_textcls.data.rows.source import ROWS_PER_CHUNK
from keras_textcls.errors import InvalidDataError, MissingDependencyError
from keras_textcls.utils.forked import refuse_lost

PREFIX = "tfds:"


def tfds_source(name: str, data_dir: str | None = None) -> RowsSource:
    """Read a data set by its name in TensorFlow Datasets.

    Args:
        name: string, such as `"imdb_reviews"`, `"glue/sst2"`, or with a part,
            `"imdb_reviews:train"`.
        data_dir: string or `None`, folder of the prepared data sets. Defaults to
            `None`, the default folder of TensorFlow Datasets.

    Returns:
        A `RowsSource` with a column for each feature that is a text, a number or a
        label, and the column `split`.

    Raises:
        MissingDependencyError: tensorflow-datasets is not installed.
        InvalidDataError: there is no such data set, or it cannot be prepared.
    """
    try:
        tfds: Any = importlib.import_module("tensorflow_datasets")
    except ImportError:
        raise MissingDependencyError(
            f"Reading tfds:{name} needs TensorFlow Datasets. Install it: pip install "
            "'keras-textcls[datasets]'."
        ) from None
    refuse_lost("tensorflow")
    name, _, part = name.partition(":")
    try:
        builder = tfds.builder(name, data_dir=data_dir)
        builder.download_and_prepare()
        parts = {part: builder.as_dataset(part)} if part else builder.as_dataset()
    except (ValueError, OSError, RuntimeError, LookupError, AssertionError) as error:
        reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else repr(error)
        raise InvalidDataError(
            f"tfds:{name} cannot be read: {reason}. Check the name; data sets that are not "
            "prepared on this machine are downloaded, which needs a network."
        ) from None
    features = dict(builder.info.features.items())
    columns = [n for n, feature in features.items() if _is_plain(tfds, feature)]

    def chunks() -> Iterator[dict[str, list[Any]]]:
        for split, dataset in parts.items():
            for batch in dataset.batch(ROWS_PER_CHUNK).as_numpy_iterator():
                rows = {n: _values(tfds, features[n], batch[n].tolist()) for n in columns}
                count = len(next(iter(rows.values())))
                yield {**rows, "split": [split.split("[")[0]] * count}

    details = {"version": str(builder.info.full_name)}
    return RowsSource(PREFIX + name, chunks, [*columns, "split"], details)


def _is_plain(tfds: Any, feature: Any) -> bool:
    kinds = (tfds.features.Text, tfds.features.ClassLabel, tfds.features.Scalar)
    return isinstance(feature, kinds) or (
        feature.__class__.__name__ == "Tensor" and not feature.shape
    )


def _values(tfds: Any, feature: Any, values: list[Any]) -> list[Any]:
    if isinstance(feature, tfds.features.ClassLabel):
        # Texts of unlabelled parts have the class -1.
        return [feature.int2str(v) if v >= 0 else None for v in values]
    return values
