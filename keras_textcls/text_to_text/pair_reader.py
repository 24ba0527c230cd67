"""`PairReader`: from prompts and responses to windows of tokens, to train on."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from keras_textcls.batching.text_reader import TextReader
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.errors import ArgumentError, InvalidDataError, shorten
from keras_textcls.inputs.targets import read_sample_weight
from keras_textcls.text_to_text.few_shot import one_column
from keras_textcls.text_to_text.prompt_encoding import PromptTokenizer, as_encoded, with_answers


@dataclasses.dataclass
class PairReader(TextReader):
    """Reads prompts with their responses, whose tokens are the targets.

    Args:
        tokenizer: `PromptTokenizer`.
        sequence_length: int, most tokens of a prompt and its response.
    """

    tokenizer: PromptTokenizer = dataclasses.field(kw_only=True)
    sequence_length: int = dataclasses.field(kw_only=True)

    def read(self, x: Any, y: Any = None, sample_weight: Any = None, **options: Any) -> Windows:
        """Read prompts and responses.

        Args:
            x: list of prompts.
            y: list of responses.
            sample_weight: numbers, or `None`. Defaults to `None`.
            **options: those of `TextReader.read`, which say nothing here.

        Returns:
            `Windows`.

        Raises:
            InvalidDataError: texts cannot be used, or a response is longer than
                a sequence.
        """
        prompts, responses = one_column(x, "x"), one_column(y, "y")
        if len(prompts) != len(responses):
            raise InvalidDataError(
                f"There are {len(prompts)} prompts and {len(responses)} responses; each prompt "
                "needs one."
            )
        tokenizer, limit = self.tokenizer, self.sequence_length
        answers = [np.append(a, tokenizer.end) for a in tokenizer.lists(responses)]
        for i, answer in enumerate(answers):
            if len(answer) >= limit:
                raise InvalidDataError(
                    f"Response {i} has {len(answer)} tokens, but a sequence has room for {limit}. "
                    "Shorten it, leave it out, or set a larger sequence_length."
                )
        rows = [
            tokenizer.end_of(tokenizer.beginning(prompt), limit - len(answer) + 1)
            for prompt, answer in zip(prompts, answers, strict=True)
        ]
        lengths = np.array([len(row) for row in rows], "int32")
        if not lengths.all():
            raise InvalidDataError(
                f"Prompt {int(np.argmin(lengths))} is empty. Pass a text of one character or more."
            )
        encoded = as_encoded(lengths, np.concatenate(rows).astype("int32"), limit)
        texts, targets = with_answers(encoded, answers, max(map(len, answers)))
        return Windows.of(Window(texts, targets, read_sample_weight(sample_weight, len(rows))))

    def read_validation(self, validation_data: Any) -> Windows:
        """Read the argument `validation_data`.

        Args:
            validation_data: `(prompts, responses)`, or those and weights.

        Returns:
            `Windows`.

        Raises:
            ArgumentError: it is neither.
        """
        if not isinstance(validation_data, (tuple, list)) or len(validation_data) not in (2, 3):
            raise ArgumentError(
                "`validation_data` must be (prompts, responses), or those and weights. "
                f"Received: validation_data={shorten(validation_data)}."
            )
        return self.read(*validation_data)
