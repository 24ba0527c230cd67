"""Statistics of a dataset."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow.compute as pc

from keras_textcls.data.formats.annotation_tools.agreement import DETAIL, Agreement
from keras_textcls.data.labelled_table import LabelledTable
from keras_textcls.data.token_counter import count_tokens
from keras_textcls.utils.text_display import printable

PERCENTILES = (0, 5, 25, 50, 75, 95, 99, 100)


@dataclasses.dataclass(frozen=True)
class LengthStatistics:
    """Statistics of the lengths of texts.

    Args:
        mean: float, mean length.
        percentiles: dict from percentile (0 is the shortest, 100 the longest)
            to a length.
    """

    mean: float
    percentiles: dict[int, int]

    @classmethod
    def of(cls, lengths: np.ndarray) -> LengthStatistics:
        """Compute the statistics of some lengths.

        Args:
            lengths: int array.

        Returns:
            `LengthStatistics`; the mean is `nan` if there are no texts.
        """
        if not len(lengths):
            return cls(float("nan"), {})
        # A length that occurs, not an interpolated one.
        values = np.percentile(lengths, PERCENTILES, method="higher")
        percentiles = dict(zip(PERCENTILES, map(int, values), strict=True))
        return cls(float(lengths.mean()), percentiles)

    def __str__(self) -> str:
        names = {0: "shortest", 50: "median", 100: "longest"}
        shown = (f"{names.get(p, f'{p} %')} {v:,}" for p, v in self.percentiles.items())
        return ", ".join(shown) if self.percentiles else "no texts"


@dataclasses.dataclass(frozen=True)
class DatasetStatistics:
    """Statistics of a dataset.

    Args:
        rows: int, number of texts.
        labels: dict from label to the number of its texts, in the order of the
            labels.
        unlabelled: int, number of texts whose labels are unknown.
        without_label: int, number of texts that are known to have no label.
        labels_per_text: float, mean over the labelled texts; `nan` if there are
            none.
        negatives: dict from label to the number of texts from which it is known
            to be absent.
        splits: dict from part to the number of its texts.
        characters: `LengthStatistics` in characters.
        tokens: `LengthStatistics` in tokens, or `None` if no preset was given.
        sequence_length: int or `None`, maximum number of tokens of the preset.
        truncated: float or `None`, share of the texts that are longer than
            `sequence_length`.
        invalid: dict from reason to the number of rows that could not be used.
        fingerprint: string, version of the dataset.
        agreement: `Agreement` of the annotators of the source, whose texts may be
            more than those of the dataset; `None` if no text has labels by
            several annotators. Defaults to `None`.
    """

    rows: int
    labels: dict[str, int]
    unlabelled: int
    without_label: int
    labels_per_text: float
    negatives: dict[str, int]
    splits: dict[str, int]
    characters: LengthStatistics
    tokens: LengthStatistics | None
    sequence_length: int | None
    truncated: float | None
    invalid: dict[str, int]
    fingerprint: str
    agreement: Agreement | None = None

    def __str__(self) -> str:
        lines = [f"{self.rows:,} texts, {len(self.labels)} labels"]
        shown = {name: printable(name) for name in self.labels}
        width = max(map(len, shown.values()), default=0)
        for name, count in self.labels.items():
            share = f"{100 * count / self.rows:5.1f} %" if self.rows else ""
            known = f"  {self.negatives[name]:,} known not to" if self.negatives.get(name) else ""
            lines.append(f"  {shown[name].ljust(width)}  {count:9,}  {share}{known}")
        if self.unlabelled:
            lines.append(f"  {self.unlabelled:,} without a known label")
        if self.without_label:
            lines.append(f"  {self.without_label:,} known to have none")
        if self.splits:
            lines.append("splits: " + ", ".join(f"{n} {c:,}" for n, c in self.splits.items()))
        lines.append(f"characters: {self.characters}")
        if self.tokens is not None:
            lines.append(f"tokens: {self.tokens}")
        if self.truncated is not None:
            lines.append(
                f"{100 * self.truncated:.1f} % of the texts are longer than sequence_length="
                f"{self.sequence_length} and would be cut"
            )
        if self.invalid:
            counts = ", ".join(f"{count:,} {reason}" for reason, count in self.invalid.items())
            lines.append(f"rows that could not be used: {counts}")
        if self.agreement is not None:
            lines.append(f"agreement in the source: {self.agreement}")
        lines.append(f"fingerprint: {self.fingerprint}")
        return "\n".join(lines)


def dataset_statistics(dataset: LabelledTable, preset: Any = None) -> DatasetStatistics:
    """Compute the statistics of a dataset; see `TextDataset.stats`."""
    tokens = sequence_length = truncated = None
    if preset is not None:
        lengths, sequence_length = count_tokens(preset, (texts for texts, _ in dataset.chunks()))
        tokens = LengthStatistics.of(lengths)
        truncated = float((lengths > sequence_length).mean()) if len(lengths) else float("nan")
    names = dataset.labels or ()
    labels, negatives = dataset.label_counts(), dataset.label_counts("negatives")
    unlabelled, without = dataset.count_without_labels()
    labelled = len(dataset) - unlabelled
    characters = pc.utf8_length(dataset.table.column("text")).to_numpy()
    return DatasetStatistics(
        rows=len(dataset),
        labels={name: labels.get(name, 0) for name in names},
        unlabelled=unlabelled,
        without_label=without,
        labels_per_text=sum(labels.values()) / labelled if labelled else float("nan"),
        negatives={name: negatives[name] for name in names if name in negatives},
        splits={name: int(mask.sum()) for name, mask in dataset.split_masks().items()},
        characters=LengthStatistics.of(characters),
        tokens=tokens,
        sequence_length=sequence_length,
        truncated=truncated,
        invalid=dataset.invalid_rows.counts,
        fingerprint=dataset.fingerprint,
        agreement=Agreement.from_json(dataset.details.get(DETAIL, "")),
    )
