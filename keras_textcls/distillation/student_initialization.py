"""Start a student from the weights of its teacher.

Embeddings are copied whole, or projected on their principal components where the
student is narrower (as in Model2Vec, Tulkens and van Dongen, 2024). A layer
of the student starts as the teacher's layer at the same depth (as in
DistilBERT, Sanh et al., 2019), with the attention heads and the feed-forward
neurons of the largest weights (structured pruning by magnitude).
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from keras_textcls.errors import ArgumentError
from keras_textcls.keras_compat.transformer_blocks import block_part, has_block_part


def initialize_from_teacher(student: keras.Model, teacher: keras.Model) -> None:
    """Copy weights of a teacher to its student, as far as they fit.

    Args:
        student: a backbone with `token_embedding`.
        teacher: a backbone with `token_embedding` and the same vocabulary.
    """
    table = _values(teacher.token_embedding.embeddings)
    segments = getattr(teacher, "segment_embedding", None)
    if segments is not None:
        # A student has one segment only.
        table = table + _values(segments.embeddings)[0]
    basis = principal_components(table, student.token_embedding.output_dim)
    student.token_embedding.embeddings.assign(table @ basis)
    _copy_positions(student, teacher, basis)
    if table.shape[1] == basis.shape[1]:
        _copy_norm(student, teacher, "embeddings_layer_norm")
        _copy_layers(student, teacher)


def check_widths(student: keras.Model, teacher: keras.Model) -> None:
    """Refuse a teacher whose embeddings a student cannot start from.

    Args:
        student: a backbone.
        teacher: a backbone.

    Raises:
        ArgumentError: one has no `token_embedding`, or the teacher is narrower.
    """
    for argument, backbone in (("student", student), ("teacher_preset", teacher)):
        if not hasattr(backbone, "token_embedding"):
            raise ArgumentError(
                f"`{argument}` is a {type(backbone).__name__}, which has no `token_embedding`. "
                "Pass an encoder of words."
            )
    ours, theirs = (int(one.token_embedding.output_dim) for one in (student, teacher))
    if ours > theirs:
        raise ArgumentError(
            f"`teacher_preset` has embeddings of {theirs} dimensions, and `student` has {ours}: a "
            "student starts from its teacher's. Pass a wider teacher, or a backbone with "
            f"hidden_dim={theirs} or less as the student."
        )


def principal_components(table: np.ndarray, size: int) -> np.ndarray:
    """Return the basis of the strongest directions of an embedding table.

    Args:
        table: float array of shape `(vocabulary_size, embedding_dim)`.
        size: int, how many directions, at most `embedding_dim`.

    Returns:
        A float array of shape `(embedding_dim, size)` with orthonormal columns;
        the identity if `size` is `embedding_dim`.
    """
    if size == table.shape[1]:
        return np.eye(size, dtype=table.dtype)
    _, vectors = np.linalg.eigh(table.T @ table)
    return vectors[:, ::-1][:, :size]


def _copy_positions(student: Any, teacher: Any, basis: np.ndarray) -> None:
    ours = getattr(student, "position_embedding", None)
    theirs: Any = getattr(teacher, "position_embedding", None)
    if ours is not None and hasattr(theirs, "position_embeddings"):
        values = _values(theirs.position_embeddings)
        ours.position_embeddings.assign(values[: ours.sequence_length] @ basis)


def _copy_norm(student: Any, teacher: Any, name: str) -> None:
    ours, theirs = getattr(student, name, None), getattr(teacher, name, None)
    if ours is not None and theirs is not None:
        ours.set_weights(theirs.get_weights())


def _copy_layers(student: Any, teacher: Any) -> None:
    ours = getattr(student, "transformer_layers", [])
    theirs = getattr(teacher, "transformer_layers", [])
    if not ours or not theirs or not has_block_part(theirs[0], "query"):
        return
    for i, layer in enumerate(ours):
        _copy_layer(layer, theirs[i * len(theirs) // len(ours)])


def _copy_layer(ours: Any, theirs: Any) -> None:
    query, key, value, output = (
        [_values(w) for w in block_part(theirs, part).weights]
        for part in ("query", "key", "value", "attention")
    )
    if query[0].shape[2] != ours.head_dim or query[0].shape[1] < ours.num_heads:
        return
    norms = np.linalg.norm(value[0], axis=(0, 2)) * np.linalg.norm(output[0], axis=(1, 2))
    heads = _strongest(norms, ours.num_heads)
    parts = (query, key, value)
    hidden_dim = query[0].shape[0]
    kernel = np.concatenate([p[0][:, heads].reshape(hidden_dim, -1) for p in parts], axis=1)
    bias = np.concatenate([p[1][heads].reshape(-1) for p in parts])
    ours.query_key_value.set_weights([kernel, bias])
    ours.attention_output.set_weights([output[0][heads].reshape(-1, hidden_dim), output[1]])
    ours.attention_norm.set_weights(block_part(theirs, "attention_norm").get_weights())
    ours.output_norm.set_weights(block_part(theirs, "output_norm").get_weights())
    _copy_feed_forward(ours, theirs)


def _copy_feed_forward(ours: Any, theirs: Any) -> None:
    inner, inner_bias = block_part(theirs, "intermediate").get_weights()
    outer, outer_bias = block_part(theirs, "output").get_weights()
    if inner.shape[1] < ours.intermediate_dim:
        return
    norms = np.linalg.norm(inner, axis=0) * np.linalg.norm(outer, axis=1)
    neurons = _strongest(norms, ours.intermediate_dim)
    ours.intermediate.set_weights([inner[:, neurons], inner_bias[neurons]])
    ours.output_dense.set_weights([outer[neurons], outer_bias])


def _strongest(norms: np.ndarray, size: int) -> np.ndarray:
    return np.sort(np.argsort(-norms)[:size])


def _values(variable: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(variable))
