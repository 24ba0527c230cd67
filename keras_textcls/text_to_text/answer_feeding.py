"""`AnswerFeeder`: batches of prompts with their answers, to train; of prompts alone, to score."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_textcls.batching.batch_source import BatchSource, Encoded
from keras_textcls.batching.planner import Feeder
from keras_textcls.inputs.texts import LabelledTexts, open_stream
from keras_textcls.text_to_text.answers import Answers
from keras_textcls.text_to_text.prompt_encoding import with_answers


@dataclasses.dataclass
class AnswerFeeder(Feeder):
    """A `Feeder` whose targets are labels until a batch is planned, then their tokens.

    Args:
        answers: `Answers`.
    """

    answers: Answers = dataclasses.field(kw_only=True)

    def training(
        self, data: Encoded, batch_size: int, epochs: int, shuffle: bool, seed: int
    ) -> BatchSource:
        """Serve prompts with their answers for training."""
        return super().training(self._answered(data), batch_size, epochs, shuffle, seed)

    def inference(self, data: Encoded, batch_size: int | None = None) -> BatchSource:
        """Serve prompts, with their answers where those are known."""
        return super().inference(self._answered(data), batch_size)

    def encoded(self, x: Any) -> Iterator[Encoded]:
        """Yield the prompts of texts in parts that fit in memory.

        Args:
            x: texts, a data set, or a stream, whose labels are ignored.

        Returns:
            An iterator of `Encoded`.
        """
        start = open_stream(x)
        if start is not None:
            yield from self._windows(start, False, None)()
        elif isinstance(x, LabelledTexts):
            yield self.read_dataset(x, labelled=False)
        else:
            yield self.read(x)

    def _join(self, held: Any, labelled: bool, class_weight: Any) -> Encoded:
        return self._answered(super()._join(held, labelled, class_weight))

    def _answered(self, data: Encoded) -> Encoded:
        if data.y is None or "answer_positions" in data.texts.fixed:
            return data
        answers = self.answers
        ids = [np.array((*tokens, answers.end), "int32") for tokens in answers.ids]
        texts, targets = with_answers(data.texts, [ids[int(i)] for i in data.y], answers.longest)
        return Encoded(texts, targets, data.sample_weight)
