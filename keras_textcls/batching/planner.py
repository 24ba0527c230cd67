"""`Planner`: divides windows of encoded texts into batches of similar length."""

from __future__ import annotations

import dataclasses

import numpy as np

from keras_textcls.batching.batch_source import BatchSource, Element
from keras_textcls.batching.bucket_plan import (
    BucketPolicy,
    PlannedBatch,
    WidthHistory,
    choose_widths,
    inference_plan,
    training_plan,
)
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.inputs.numbers import check_count
from keras_textcls.tokenization.encoded_texts import EncodedTexts


@dataclasses.dataclass
class Planner:
    """Divides windows of encoded texts into the batches of one model.

    Args:
        policy: `BucketPolicy`, how much a new shape costs on the backend.
        token_budget: int, cells of a batch where the caller does not say how
            many texts. Defaults to `4096`.
        longest: int or `None`, most tokens that a batch may be wide. Defaults
            to `None`.
        histories: dict from batch size (0 for inference) to a `WidthHistory`.
            Defaults to an empty one.
    """

    policy: BucketPolicy
    token_budget: int = 4096
    longest: int | None = None
    histories: dict[int, WidthHistory] = dataclasses.field(default_factory=dict)

    def training(
        self,
        windows: Windows,
        batch_size: int,
        epochs: int,
        shuffle: bool,
        seed: int,
        rounds: int = 1,
        element: Element = Window.element,
    ) -> BatchSource:
        """Divide windows into batches for training.

        Args:
            windows: `Windows` with targets.
            batch_size: int, texts a step.
            epochs: int, number of passes, which the choice of widths weighs.
            shuffle: bool, whether every epoch has an order of its own; a stream
                is shuffled within its windows.
            seed: int, from which the orders follow.
            rounds: int, into how many passes of the source an epoch is divided,
                for texts in memory. Defaults to `1`.
            element: as for `BatchSource`. Defaults to that of a window.

        Returns:
            A `BatchSource`.
        """
        batch_size = check_count(batch_size, "batch_size")
        history, fixed = self.histories.setdefault(batch_size, WidthHistory()), None
        if windows.whole is not None:
            texts = windows.whole.texts
            fixed = history.choose(texts.lengths, self.policy, texts.full_length, epochs)

        def plan(texts: EncodedTexts, index: int, is_last: bool) -> list[PlannedBatch]:
            epoch, part = divmod(index, rounds)
            rng = np.random.default_rng([seed, epoch]) if shuffle else None
            lengths, widths = texts.lengths, fixed
            if widths is None:
                widths = choose_widths(lengths, self.policy, texts.full_length)
            batches = training_plan(lengths, widths, batch_size, rng, self.policy.is_dynamic)
            # In a stream, texts that do not fill a batch are moved to the next window.
            batches = [b for b in batches if is_last or len(b.indices) == batch_size]
            return batches[part::rounds]

        source = BatchSource(windows, plan, self.policy.fixed_length, element, keeps_rest=True)
        if rounds > 1:
            source.num_batches = None  # They differ by a batch.
        return source

    def inference(
        self, windows: Windows, batch_size: int | None = None, element: Element = Window.element
    ) -> BatchSource:
        """Divide windows into batches for prediction or evaluation.

        Args:
            windows: `Windows`.
            batch_size: int or `None`, texts a batch. Defaults to `None`, as many
                as fit the token budget.
            element: as for `BatchSource`. Defaults to that of a window.

        Returns:
            A `BatchSource`.
        """
        if batch_size is not None:
            batch_size = check_count(batch_size, "batch_size")

        def plan(texts: EncodedTexts, *_: object) -> list[PlannedBatch]:
            history = self.histories.setdefault(0, WidthHistory())
            # Counted as three passes: the next calls use what is compiled now.
            widths = history.choose(texts.lengths, self.policy, texts.full_length, 3)
            budget = self.token_budget
            return inference_plan(texts.lengths, widths, self.policy, budget, batch_size)

        return BatchSource(windows, plan, self.policy.fixed_length, element)
