"""Packing, learnt from examples: the tokens that a preprocessor adds around a text.

Most preprocessors of Keras Hub do the same with a single text: they add tokens
before and after it, truncate it where it is too long, and make a mask and
features that depend on the position only. Their graph for that takes several
times as long as the tokenizer itself. `learn_packing` learns it from a few texts,
and a `Packing` does the same with NumPy for all others. A preprocessor that does
anything else with one of the few texts is not packed.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.utils.ragged import spans

PROBES = (
    "",
    "a",
    "two words",
    "The 3 quick (brown) foxes, 42!",
    "ab\ncd  ef",
    "\u00e9\u4e2d\u0434",
)


def probe_texts(full_length: int) -> list[str]:
    """Return texts that show a packing: short ones, and two that are too long.

    Args:
        full_length: int, the width to which the preprocessor pads.

    Returns:
        A list of strings.
    """
    return [*PROBES, " ".join(["a b"] * full_length), " ".join(["word"] * (full_length + 1))]


@dataclasses.dataclass(frozen=True)
class Packing:
    """Packing of tokens into features, as one preprocessor does it.

    Args:
        ids_name: string, the feature that holds the ids.
        before: int array, ids before the text.
        after: int array, ids after it.
        by_position: dict from the name of each other feature of full length to
            an array of shape `(full_length,)`, its values where there are tokens.
        constant: dict from the name of each feature of another shape to its
            value for every text.
        padding: dict from feature name to the value that fills the rest.
        full_length: int, the width to which the preprocessor pads.
    """

    ids_name: str
    before: np.ndarray
    after: np.ndarray
    by_position: dict[str, np.ndarray]
    constant: dict[str, np.ndarray]
    padding: dict[str, np.ndarray]
    full_length: int

    @property
    def room(self) -> int:
        """Number of tokens of a text that fit between the tokens added around it."""
        return self.full_length - len(self.before) - len(self.after)

    def apply(
        self, tokens: np.ndarray, counts: np.ndarray
    ) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Pack texts.

        Args:
            tokens: int array, the tokens of all texts end to end.
            counts: int array, how many tokens each text has.

        Returns:
            A tuple of the real tokens of each text, a dict from feature name to
            an array of all their cells end to end, and a dict from feature name
            to an array of shape `(num_texts, ...)`.
        """
        around = len(self.before) + len(self.after)
        kept = np.minimum(counts, self.room)
        # A text of no tokens at all holds one cell of padding.
        lengths = np.maximum(kept + around, 1)
        starts = np.cumsum(lengths) - lengths
        position = spans(0, lengths)
        ids = np.full(len(position), self.padding[self.ids_name])
        for i, token in enumerate(self.before):
            ids[starts + i] = token
        for i, token in enumerate(self.after):
            ids[starts + len(self.before) + kept + i] = token
        within = spans(0, counts)
        is_kept = within < np.repeat(kept, counts)
        first = np.repeat(starts + len(self.before), counts)
        ids[(first + within)[is_kept]] = tokens[is_kept]
        flat = {self.ids_name: ids}
        is_empty = np.repeat(kept + around == 0, lengths)
        for name, values in self.by_position.items():
            flat[name] = np.where(is_empty, self.padding[name], values[position])
        fixed = {n: np.repeat(v[None], len(counts), axis=0) for n, v in self.constant.items()}
        return lengths, flat, fixed


def learn_packing(
    features: dict[str, np.ndarray],
    padding: dict[str, np.ndarray],
    lengths: np.ndarray,
    tokens: list[np.ndarray],
    ids_name: str,
) -> Packing | None:
    """Find the packing that gives the same features as a preprocessor on some texts.

    Args:
        features: dict from feature name to an array, as the preprocessor
            returned it for `probe_texts`.
        padding: dict from the name of each feature of full length to the value
            that fills the rest.
        lengths: int array, real cells of each text.
        tokens: list of int arrays, what the tokenizer alone makes of each text.
        ids_name: string, the feature that holds the ids.

    Returns:
        A `Packing` that gives exactly these features, or `None`.
    """
    ids = features[ids_name]
    full_length = ids.shape[1]
    counts = np.array([len(t) for t in tokens])
    # The longest text has no padding, so it shows every position.
    by_position = {n: features[n][-1] for n in padding if n != ids_name}
    constant = {n: v[0] for n, v in features.items() if n not in padding}
    # Without its tokens, a short text shows what stands around them.
    around = int(lengths[2] - counts[2]) if lengths[2] > 1 else 0
    for num_before in range(around + 1):
        packing = Packing(
            ids_name=ids_name,
            before=ids[2, :num_before],
            after=ids[2, num_before + counts[2] : lengths[2]],
            by_position=by_position,
            constant=constant,
            padding=padding,
            full_length=full_length,
        )
        if around < full_length and _explains(packing, features, lengths, tokens):
            return packing
    return None


def _explains(
    packing: Packing,
    features: dict[str, np.ndarray],
    lengths: np.ndarray,
    tokens: list[np.ndarray],
) -> bool:
    packed_lengths, flat, fixed = packing.apply(
        np.concatenate(tokens), np.array([len(t) for t in tokens])
    )
    if not np.array_equal(packed_lengths, lengths):
        return False
    real = np.arange(packing.full_length) < lengths[:, None]
    return all(
        np.array_equal(values, features[name][real]) for name, values in flat.items()
    ) and all(np.array_equal(values, features[name]) for name, values in fixed.items())
