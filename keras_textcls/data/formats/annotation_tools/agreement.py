"""How much annotators agree beyond chance: Cohen's and Fleiss' kappa."""

from __future__ import annotations

import collections
import dataclasses
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from keras_textcls.data.formats.annotation_tools.judgements import Judgement, votes

# The key in `TextDataset.details` under which the agreement is kept.
DETAIL = "agreement"
_KAPPAS = {"cohen_kappa": "Cohen's kappa", "fleiss_kappa": "Fleiss' kappa"}


@dataclasses.dataclass(frozen=True)
class Agreement:
    """How much the annotators of a source agree, texts included on which they do not.

    Only texts with labels by two annotators or more count. If a text may have several
    labels, a kappa is the mean over the labels, each a yes or no of its own, for which it
    is defined.

    Args:
        annotators: int, number of different annotators of these texts.
        texts: int, number of texts with labels by two annotators or more.
        observed: float, share of the pairs of judgements of one text that are
            equal, the mean over the texts.
        cohen_kappa: float, Cohen's kappa, for two annotators, on the texts that
            both labelled; `nan` if it is undefined.
        fleiss_kappa: float, Fleiss' kappa; `nan` if it is undefined. Where the
            number of annotators differs from text to text, a text counts with the
            share of its pairs that are equal, and the share of a label by chance is
            its share of all judgements.
        reasons: dict from `"cohen_kappa"` or `"fleiss_kappa"` to the reason why it
            is `nan`.
    """

    annotators: int
    texts: int
    observed: float
    cohen_kappa: float
    fleiss_kappa: float
    reasons: dict[str, str]

    def __str__(self) -> str:
        shown = []
        for name, words in _KAPPAS.items():
            value = getattr(self, name)
            why = f" ({self.reasons[name]})" if name in self.reasons else ""
            shown.append(f"{words} {value:.3f}{why}")
        return (
            f"{self.annotators} annotators, texts labelled by several: {self.texts:,}, "
            f"equal labels: {100 * self.observed:.1f} %; {', '.join(shown)}"
        )

    def to_json(self) -> str:
        """Return the numbers as a JSON object; `nan` is null."""
        fields = dataclasses.asdict(self)
        numbers = {k: None if isinstance(v, float) and v != v else v for k, v in fields.items()}
        return json.dumps(numbers)

    @classmethod
    def from_json(cls, text: str) -> Agreement | None:
        """Return what `to_json` wrote, or `None` if it is something else.

        Args:
            text: string.

        Returns:
            `Agreement` or `None`.
        """
        try:
            fields: Any = json.loads(text)
            numbers: Any = {k: math.nan if v is None else v for k, v in dict(fields).items()}
            return cls(**numbers)
        except (ValueError, TypeError, RecursionError):
            return None


def agreement_of(texts: Iterable[Sequence[Judgement]], is_multi: bool) -> Agreement | None:
    """Compute the agreement of annotators.

    Args:
        texts: iterable with, for each text, the judgements of it that count, one of
            each annotator.
        is_multi: bool, whether a text may have several labels.

    Returns:
        `Agreement`, or `None` if no text has two judgements.
    """
    held = [said for said in texts if len(said) > 1]
    if not held:
        return None
    names = {judgement.annotator for said in held for judgement in said}
    is_multi = is_multi or any(j.absent is not None for said in held for j in said)
    questions = _by_label(held) if is_multi else {"": [_answers(said) for said in held]}
    everything = [rated for rated in questions.values() if rated]
    fleiss = _mean([_fleiss(rated) for rated in everything])
    reasons = {} if fleiss == fleiss else {"fleiss_kappa": "all labels are equal"}
    cohen = math.nan
    if None in names:
        reasons["cohen_kappa"] = "the annotators are not named"
    elif len(names) != 2:
        reasons["cohen_kappa"] = f"it is defined for 2 annotators, there are {len(names)}"
    else:
        cohen = _mean([_cohen(rated) for rated in everything])
        if cohen != cohen:
            reasons["cohen_kappa"] = "all labels are equal"
    count = max(len(said) for said in held) if None in names else len(names)
    observed = _mean([_mean([_pairs(list(text.values())) for text in q]) for q in everything])
    return Agreement(count, len(held), observed, cohen, fleiss, reasons)


def _answers(said: Sequence[Judgement]) -> dict[Any, str]:
    """The answer of each annotator of one text."""
    return {_who(j, i): (j.labels or ("",))[0] for i, j in enumerate(said)}


def _who(judgement: Judgement, number: int) -> Any:
    return (number,) if judgement.annotator is None else judgement.annotator


def _by_label(held: Sequence[Sequence[Judgement]]) -> dict[str, list[dict[Any, str]]]:
    """For each label, the answers, yes or no, of the texts where two or more gave one."""
    names = dict.fromkeys(name for said in held for name in votes(said))
    questions: dict[str, list[dict[Any, str]]] = {name: [] for name in names}
    for said in held:
        partial = [j for j in said if j.absent is not None]
        for name in votes(partial) if len(partial) == len(said) else names:
            answers = {
                _who(j, i): "yes" if name in (j.labels or ()) else "no"
                for i, j in enumerate(said)
                if j.absent is None or name in (*(j.labels or ()), *j.absent)
            }
            if len(answers) > 1:
                questions[name].append(answers)
    return questions


def _cohen(texts: Sequence[Mapping[Any, str]]) -> float:
    from sklearn.metrics import cohen_kappa_score

    names = sorted({name for text in texts for name in text})
    both = [text for text in texts if len(text) == len(names) == 2]
    first, second = ([text[name] for text in both] for name in names) if both else ([], [])
    # Chance alone would be right every time: kappa is 0 / 0.
    if len({*first, *second}) < 2:
        return math.nan
    return float(cohen_kappa_score(first, second))


def _fleiss(texts: Sequence[Mapping[Any, str]]) -> float:
    given = [list(text.values()) for text in texts]
    counts = collections.Counter(label for text in given for label in text)
    shares = np.array(list(counts.values())) / sum(counts.values())
    chance = float(np.square(shares).sum())
    if len(counts) < 2:
        return math.nan
    return (_mean([_pairs(text) for text in given]) - chance) / (1 - chance)


def _pairs(labels: Sequence[str]) -> float:
    """The share of the pairs of judgements of one text that are equal."""
    equal = sum(count * (count - 1) for count in collections.Counter(labels).values())
    return equal / (len(labels) * (len(labels) - 1))


def _mean(values: Sequence[float]) -> float:
    defined = [value for value in values if value == value]
    return sum(defined) / len(defined) if defined else math.nan
