"""The model that distillation trains, and its training in rounds, each with a checkpoint.

The loss on states is that of TinyBERT (Jiao et al., 2020), the loss on
sentences that of Reimers and Gurevych (2020), "Making Monolingual Sentence
Embeddings Multilingual".
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_textcls.batching.batch_source import BatchSource
from keras_textcls.batching.bucket_plan import PlannedBatch
from keras_textcls.batching.planner import Planner
from keras_textcls.batching.windows import Window, Windows
from keras_textcls.distillation.teacher_states import TeacherStates
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.execution.backend_policy import backend_policy
from keras_textcls.execution.fit import fit_source
from keras_textcls.models.heads import backbone_inputs
from keras_textcls.tokenization.encoded_texts import EncodedTexts


@dataclasses.dataclass(frozen=True)
class DistillationConfig:
    """Parameters of the training of a student.

    Args:
        epochs: int, passes over the texts. Defaults to `8`.
        batch_size: int, texts a step. Defaults to `128`.
        learning_rate: float, the highest, after the warm-up. Defaults to `1e-3`.
        warmup: float in `[0, 1)`, share of the steps in which the learning rate
            rises; it falls to 0 along a cosine after. Defaults to `0.05`.
        weight_decay: float, as in `keras.optimizers.AdamW`. Defaults to `0.01`.
        state_loss: float, weight of the loss on hidden states, where the student
            has some. Defaults to `1.0`.
        sequence_length: int, tokens of a text that are read. Defaults to `64`.
        seed: int. Defaults to `0`.
        rounds_per_epoch: int, checkpoints an epoch. Defaults to `4`.
    """

    epochs: int = 8
    batch_size: int = 128
    learning_rate: float = 1e-3
    warmup: float = 0.05
    weight_decay: float = 0.01
    state_loss: float = 1.0
    sequence_length: int = 64
    seed: int = 0
    rounds_per_epoch: int = 4

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "learning_rate", "rounds_per_epoch"):
            if not getattr(self, name) > 0:
                raise ArgumentError(
                    f"`{name}` must be positive. Received: {name}={shorten(getattr(self, name))}."
                )
        if not 0 <= self.warmup < 1:
            raise ArgumentError(
                "`warmup` is the share of the steps in which the learning rate rises, in [0, 1). "
                f"Received: warmup={shorten(self.warmup)}."
            )


class _DistillationLoss(keras.layers.Layer):
    """Adds the losses to the model; gives the cosine of each text."""

    def __init__(self, hidden_dim: int, state_loss: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.hidden_dim = hidden_dim
        self.state_loss = state_loss

    def build(self, vector_shape: Any, states_shape: Any = (), **shapes: Any) -> None:
        """Make the projections to the teacher's size, where sizes differ."""
        self.project_vector = keras.layers.Dense(self.hidden_dim, name="project_vector")
        self.project_vector.build(vector_shape)
        self.project_states = []
        for i, shape in enumerate(states_shape):
            project: Any = keras.layers.Identity()
            if shape[-1] != self.hidden_dim:
                project = keras.layers.Dense(self.hidden_dim, name=f"project_states_{i}")
                project.build(shape)
            self.project_states.append(project)

    def call(self, vector: Any, states: Any, targets: Any, padding_mask: Any) -> Any:
        targets = ops.cast(targets, "float32")
        mask = ops.expand_dims(ops.cast(padding_mask, "float32"), -1)
        last = targets[:, :, -1]
        mean = ops.sum(last * mask, axis=1) / ops.maximum(ops.sum(mask, axis=1), 1.0)
        cosine = ops.sum(
            ops.normalize(self.project_vector(vector), axis=-1) * ops.normalize(mean, axis=-1),
            axis=-1,
        )
        self.add_loss(ops.mean(1.0 - cosine))
        for i, (project, state) in enumerate(zip(self.project_states, states, strict=True)):
            wanted = targets[:, :, i]
            # In units of the teacher's own size.
            error = ops.sum(ops.square(project(state) - wanted) * mask)
            scale = ops.sum(ops.square(wanted) * mask)
            self.add_loss(self.state_loss * error / scale)
        return cosine


def build_distiller(
    student: keras.Model, hidden_dim: int, num_states: int, state_loss: float
) -> keras.Model:
    """Make the model that is trained: the student and its losses.

    Args:
        student: a backbone.
        hidden_dim: int, size of the teacher's states.
        num_states: int, layers of the teacher in the targets.
        state_loss: float, weight of the loss on hidden states.

    Returns:
        A `keras.Model` whose inputs are the student's, `teacher_states`, of
        shape `(batch, sequence_length, num_states, hidden_dim)`, and
        `teacher_mask`, of shape `(batch, sequence_length)`. Its output is the
        cosine of the student's vector to the teacher's, of shape `(batch,)`.
    """
    features = dict(backbone_inputs(student))
    targets = keras.Input((None, num_states, hidden_dim), name="teacher_states", dtype="float16")
    vector, states = _read_states(student)(features, training=False)
    loss = _DistillationLoss(hidden_dim, state_loss, name="distillation")
    mask = keras.Input((None,), name="teacher_mask", dtype="int32")
    cosine = loss(vector, states, targets, mask)
    all_inputs = {**features, "teacher_states": targets, "teacher_mask": mask}
    return keras.Model(all_inputs, cosine, name="distiller")


def _read_states(student: keras.Model) -> keras.Model:
    """The student's vector and the states of its layers, if it has layers."""
    outputs = student.output
    vector = outputs["pooled_output"] if isinstance(outputs, dict) else outputs
    states = [layer.output for layer in getattr(student, "transformer_layers", [])]
    return keras.Model(dict(backbone_inputs(student)), [vector, states])


def train_student(
    student: keras.Model,
    texts: EncodedTexts,
    states: TeacherStates,
    config: DistillationConfig,
    directory: Path,
    unseen: Sequence[int] = (),
    callbacks: Sequence[Any] = (),
    verbose: Any = "auto",
) -> keras.callbacks.History:
    """Train a student on the states of its teacher.

    Args:
        student: a backbone.
        texts: `EncodedTexts`.
        states: `TeacherStates` of the texts, filled.
        config: `DistillationConfig`.
        directory: `Path` of the checkpoints.
        unseen: sequence of int, tokens of the teacher that the student is not
            shown. Defaults to `()`.
        callbacks: sequence of `keras.callbacks.Callback`. Defaults to `()`.
        verbose: as in `keras.Model.fit`. Defaults to `"auto"`.

    Returns:
        A `keras.callbacks.History`, a round a line.
    """
    keras.utils.set_random_seed(config.seed)
    source = _batches(student, texts, states, config, unseen)
    steps = config.epochs * math.ceil(len(texts) / config.batch_size)
    distiller = build_distiller(student, states.hidden_dim, states.num_layers, config.state_loss)
    distiller.compile(optimizer=_optimizer(config, steps), loss=None)
    backup = keras.callbacks.BackupAndRestore(str(directory / "backup"), delete_checkpoint=False)
    return fit_source(
        distiller,
        source,
        None,
        epochs=config.epochs * config.rounds_per_epoch,
        seed=config.seed,
        callbacks=[backup, *callbacks],
        verbose=verbose,
    )


def _optimizer(config: DistillationConfig, steps: int) -> keras.optimizers.Optimizer:
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0 if config.warmup else config.learning_rate,
        decay_steps=max(1, round(steps * (1 - config.warmup))),
        warmup_target=config.learning_rate if config.warmup else None,
        warmup_steps=round(steps * config.warmup),
    )
    optimizer = keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "beta", "gamma", "embeddings"])
    return optimizer


def _batches(
    student: keras.Model,
    texts: EncodedTexts,
    states: TeacherStates,
    config: DistillationConfig,
    unseen: Sequence[int],
) -> BatchSource:
    """The texts with the states of the teacher, a part of an epoch a round."""
    names = set(backbone_inputs(student))

    def element(window: Window, batch: PlannedBatch) -> tuple[dict[str, np.ndarray]]:
        features = window.texts.batch(batch.indices, batch.padded_length)
        real = features["padding_mask"].astype("int32")
        if len(unseen):
            features["padding_mask"] = real * ~np.isin(features["token_ids"], unseen)
        features = {name: values for name, values in features.items() if name in names}
        padded = states.padded(batch.indices, batch.padded_length)
        return ({**features, "teacher_states": padded, "teacher_mask": real},)

    return Planner(backend_policy()).training(
        Windows.of(Window(texts)),
        config.batch_size,
        config.epochs,
        shuffle=True,
        seed=config.seed,
        rounds=config.rounds_per_epoch,
        element=element,
    )
