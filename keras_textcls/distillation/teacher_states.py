"""The hidden states of a teacher on many texts, in a file; a killed run resumes filling it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_textcls.batching.planner import Planner
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.errors import ArgumentError
from keras_textcls.execution.backend_policy import backend_policy, keeping_state
from keras_textcls.models.heads import backbone_inputs, sequence_output
from keras_textcls.tokenization.encoded_texts import EncodedTexts
from keras_textcls.utils.atomic import replace_file

STATES_FILE = "teacher_states.f16"
_PROGRESS_FILE = "teacher_progress.json"
_BATCHES_BETWEEN_SAVES = 200


class TeacherStates:
    """Hidden states of some layers of a teacher, on encoded texts, as float16.

    Args:
        texts: `EncodedTexts`.
        hidden_dim: int, size of the states.
        num_layers: int, how many layers are kept.
        directory: `Path`, where the file is.
    """

    def __init__(
        self, texts: EncodedTexts, hidden_dim: int, num_layers: int, directory: Path
    ) -> None:
        self._texts = texts
        self._directory = directory
        self._starts = np.concatenate([[0], np.cumsum(texts.lengths, dtype="int64")])
        self.hidden_dim = hidden_dim
        self.num_layers = num_layers
        path = directory / STATES_FILE
        shape = (int(self._starts[-1]), num_layers, hidden_dim)
        size = 2 * shape[0] * shape[1] * shape[2]
        if not path.exists() or path.stat().st_size != size:
            (directory / _PROGRESS_FILE).unlink(missing_ok=True)
            with path.open("wb") as file:
                file.truncate(size)
        self._states = np.memmap(path, "float16", "r+", shape=shape)

    def fill(self, reader: keras.Model, token_budget: int = 4096, verbose: bool = True) -> None:
        """Run the teacher over the texts that it has not read yet.

        Args:
            reader: model of the teacher, as of `teacher_reader`.
            token_budget: int, cells of a batch. Defaults to `4096`.
            verbose: bool, whether to show a progress bar. Defaults to `True`.
        """
        source = Planner(backend_policy(), token_budget).inference(Windows.of(Window(self._texts)))
        total = source.num_batches or 0
        bar = keras.utils.Progbar(total, verbose=int(verbose), unit_name="batch")
        names = set(backbone_inputs(reader))
        source.done = self._read_progress(total)
        for i, (inputs,) in enumerate(source.elements(), start=source.done + 1):
            with keeping_state(reader):
                outputs = reader.predict_on_batch({n: v for n, v in inputs.items() if n in names})
            # Keras unpacks a list of one output.
            outputs = outputs if isinstance(outputs, list) else [outputs]
            rows = source.order[-1]
            self._write(rows[rows >= 0], np.stack([np.asarray(layer) for layer in outputs], axis=2))
            if i % _BATCHES_BETWEEN_SAVES == 0 or i == total:
                self._states.flush()
                self._write_progress(i, total)
            bar.update(i)

    def padded(self, indices: np.ndarray, width: int) -> np.ndarray:
        """Return the states of some texts.

        Args:
            indices: int array, which texts.
            width: int, padded length.

        Returns:
            A float16 array of shape `(num_texts, width, num_layers, hidden_dim)`.
        """
        padded = np.zeros((len(indices), width, *self._states.shape[1:]), "float16")
        for row, i in enumerate(indices):
            start, end = self._starts[i], self._starts[i + 1]
            padded[row, : end - start] = self._states[start:end]
        return padded

    def _write(self, indices: np.ndarray, states: np.ndarray) -> None:
        for row, i in enumerate(indices):
            start, end = self._starts[i], self._starts[i + 1]
            self._states[start:end] = states[row, : end - start]

    def _read_progress(self, total: int) -> int:
        path = self._directory / _PROGRESS_FILE
        if not path.exists():
            return 0
        progress = json.loads(path.read_text(encoding="utf-8"))
        return int(progress["done"]) if progress["total"] == total else 0

    def _write_progress(self, done: int, total: int) -> None:
        with replace_file(self._directory / _PROGRESS_FILE) as draft:
            draft.write_text(json.dumps({"done": done, "total": total}), encoding="utf-8")


def matching_layers(num_teacher_layers: int, num_student_layers: int) -> list[int]:
    """Return the layer of the teacher that each layer of the student learns from.

    Evenly spaced, the last from the last, as in TinyBERT (Jiao et al., 2020).

    Args:
        num_teacher_layers: int.
        num_student_layers: int; a student without layers learns from the last.

    Returns:
        A list of indices of teacher layers.
    """
    n, m = num_teacher_layers, max(1, num_student_layers)
    return [max(1, round(j * n / m)) - 1 for j in range(1, m + 1)]


def teacher_reader(teacher: keras.Model, layers: Sequence[int]) -> keras.Model:
    """Return a model from a teacher's inputs to the states of some layers.

    Args:
        teacher: a backbone with `transformer_layers`; one without gives its
            last states only.
        layers: sequence of int, which layers.

    Returns:
        A `keras.Model` whose output is a list of tensors of shape
        `(batch, sequence_length, hidden_dim)`.

    Raises:
        ArgumentError: several layers are wanted from a backbone that does not
            show them.
    """
    teacher_layers: Any = getattr(teacher, "transformer_layers", None)
    if teacher_layers is None:
        if len(layers) > 1:
            raise ArgumentError(
                f"`teacher_preset` is a {type(teacher).__name__}, which does not show its layers. "
                "Take a student with one layer or none."
            )
        return keras.Model(teacher.input, [sequence_output(teacher.output)])
    return keras.Model(teacher.input, [teacher_layers[i].output for i in layers])
