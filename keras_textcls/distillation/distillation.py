"""Distil a sentence encoder into a small student, on unlabelled texts.

There are two stages; a killed run resumes within each of them:

1. The teacher reads every text once; its hidden states are written to a file.
2. The student is trained for several epochs to give these states (those of each
   token, where the student has hidden states) and the direction of their mean.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import keras_hub

from keras_textcls import models
from keras_textcls.distillation.distiller import DistillationConfig, train_student
from keras_textcls.distillation.student_initialization import check_widths, initialize_from_teacher
from keras_textcls.distillation.teacher_states import TeacherStates, matching_layers, teacher_reader
from keras_textcls.errors import ArgumentError, shorten
from keras_textcls.inputs.texts import read_texts
from keras_textcls.models.heads import subclass_for
from keras_textcls.saving.backbones import load_backbone
from keras_textcls.saving.file_hashes import check_hashes, record_hashes
from keras_textcls.saving.preprocessors import check_settings
from keras_textcls.saving.preset_checks import loading
from keras_textcls.saving.preset_files import PresetFiles
from keras_textcls.saving.weight_files import check_finite
from keras_textcls.tokenization.text_encoder import TextEncoder
from keras_textcls.utils.atomic import replace_directory
from keras_textcls.utils.paths import read_path

_RECORD_FILE = "distillation.json"
STUDENTS = ("mini_encoder", "static_embedding")
# What a student of its own is made of; see its class.
_STATIC_DIM = 256


def distill(
    teacher_preset: str | os.PathLike[str],
    texts: Any,
    student: str | keras.Model = "mini_encoder",
    *,
    output: str | os.PathLike[str],
    work_directory: str | os.PathLike[str] | None = None,
    config: DistillationConfig | None = None,
    verbose: Any = "auto",
    callbacks: Sequence[Any] = (),
) -> keras.Model:
    """Train a small backbone to give the outputs of a large one, and save it as a preset.

    A run that was killed resumes where it was interrupted when the same call is
    made again; the work directory keeps the teacher's states (1.5 kB a token for a
    teacher of 384 dimensions and two layers) and a checkpoint of each round.

    Args:
        teacher_preset: string or path: a preset with a WordPiece tokenizer.
        texts: texts in any form that `TextClassifier.predict` takes; the more
            like those that will be classified the better, and the more the
            better, from some 100,000 on.
        student: `"mini_encoder"`, `"static_embedding"`, or a backbone whose
            tokenizer is the teacher's. Defaults to `"mini_encoder"`.
        output: string or path, the preset directory to write.
        work_directory: string or path, where teacher states and checkpoints
            stay. Defaults to `output` with `.work` added.
        config: `DistillationConfig`. Defaults to its defaults.
        verbose: as in `keras.Model.fit`. Defaults to `"auto"`.
        callbacks: sequence of `keras.callbacks.Callback`. Defaults to `()`.

    Returns:
        The trained student, a backbone.

    Raises:
        ArgumentError: an argument is wrong, or the work directory belongs to
            another run.
        InvalidDataError: a text cannot be used.
        PresetError: the teacher is missing, broken or refused.
    """
    config = config or DistillationConfig()
    columns = read_texts(texts, "texts")
    if len(columns) != 1:
        raise ArgumentError(f"`texts` must be one column of texts. Received {len(columns)}.")
    target = read_path(output, "output")
    work = read_path(work_directory or f"{target}.work", "work_directory")
    keras.utils.set_random_seed(config.seed)
    teacher, tokenizer = _load_teacher(teacher_preset)
    backbone, preprocessor = _make_student(student, tokenizer)
    check_widths(backbone, teacher)
    _claim(work, columns[0], teacher_preset, backbone, config)

    encoded = TextEncoder(_teacher_preprocessor(teacher, tokenizer, config)).encode(columns)
    layers = getattr(backbone, "transformer_layers", ())
    depth = len(getattr(teacher, "transformer_layers", ())) or 1
    wanted = matching_layers(depth, len(layers))
    reader = teacher_reader(teacher, wanted)
    hidden_dim = int(reader.outputs[0].shape[-1])
    states = TeacherStates(encoded, hidden_dim, len(wanted), work)
    states.fill(reader, verbose=verbose not in (0, "0"))
    initialize_from_teacher(backbone, teacher)
    train_student(
        backbone,
        encoded,
        states,
        config,
        work,
        unseen=_unseen(preprocessor, tokenizer),
        callbacks=callbacks,
        verbose=verbose,
    )
    save_backbone(backbone, preprocessor, target)
    return backbone


def _load_teacher(preset: str | os.PathLike[str]) -> tuple[keras.Model, Any]:
    files = PresetFiles(preset)
    if files.adapter is not None:
        raise ArgumentError(
            f"`teacher_preset` {files.preset!r} holds adapters alone. Load it, call merge_lora() "
            "and save it whole, and pass that."
        )
    check_settings(files)
    check_hashes(files, with_weights=True)
    backbone = load_backbone(files, load_weights=True)
    check_finite(backbone, files.preset)
    with loading("tokenizer", files.preset):
        tokenizer = keras_hub.models.Tokenizer.from_preset(files.preset)
    return backbone, tokenizer


def save_backbone(backbone: keras.Model, preprocessor: Any, output: str | os.PathLike[str]) -> None:
    """Save a backbone with its preprocessor as a preset, or leave what is there.

    Args:
        backbone: a `keras_hub.models.Backbone`.
        preprocessor: a `keras_hub.models.Preprocessor`.
        output: string or path, the preset directory.
    """
    with replace_directory(Path(os.fspath(output)), lambda name: False) as draft:
        backbone.save_to_preset(str(draft))
        preprocessor.save_to_preset(str(draft))
        record_hashes(draft)


def _make_student(student: Any, tokenizer: Any) -> tuple[keras.Model, Any]:
    if isinstance(student, keras.Model):
        backbone = student
    elif student not in STUDENTS:
        raise ArgumentError(
            f"`student` must be one of {', '.join(STUDENTS)}, or a backbone. Received: "
            f"student={shorten(student)}."
        )
    else:
        size = tokenizer.vocabulary_size()
        backbone = (
            models.MiniEncoderBackbone(size)
            if student == "mini_encoder"
            else models.StaticEmbeddingBackbone(size, _STATIC_DIM)
        )
    if not isinstance(tokenizer, keras_hub.tokenizers.WordPieceTokenizer):
        raise ArgumentError(
            f"`teacher_preset` has a {type(tokenizer).__name__}; students are made for WordPiece "
            "tokenizers."
        )
    return backbone, pair_with(backbone, tokenizer, list(tokenizer.get_vocabulary()))


def pair_with(backbone: keras.Model, tokenizer: Any, vocabulary: list[str]) -> Any:
    """Make the preprocessor of a student, with the rules of its teacher's tokenizer.

    Args:
        backbone: the student, a backbone.
        tokenizer: a `keras_hub.tokenizers.WordPieceTokenizer`.
        vocabulary: list of strings.

    Returns:
        A `keras_hub.models.TextClassifierPreprocessor`.

    Raises:
        ArgumentError: the backbone has no tokenizer or preprocessor.
    """
    tokenizer_cls: Any = subclass_for(keras_hub.models.Tokenizer, backbone)
    preprocessor_cls: Any = subclass_for(keras_hub.models.TextClassifierPreprocessor, backbone)
    if tokenizer_cls is None or preprocessor_cls is None:
        raise ArgumentError(
            f"`student` is a {type(backbone).__name__}, for which there is no tokenizer and "
            "preprocessor to save with it."
        )
    own = tokenizer_cls(
        vocabulary=vocabulary,
        lowercase=tokenizer.lowercase,
        strip_accents=tokenizer.strip_accents,
    )
    return preprocessor_cls(own)


def _teacher_preprocessor(teacher: Any, tokenizer: Any, config: DistillationConfig) -> Any:
    cls = subclass_for(keras_hub.models.TextClassifierPreprocessor, teacher)
    if cls is None:
        raise ArgumentError(
            f"`teacher_preset` is a {type(teacher).__name__}, for which Keras Hub has no "
            "preprocessor."
        )
    return cls(tokenizer, sequence_length=config.sequence_length)


def _unseen(preprocessor: Any, tokenizer: Any) -> list[int]:
    """Special tokens that only the teacher reads."""
    if getattr(preprocessor, "add_start_token", True):
        return []
    return [tokenizer.cls_token_id, tokenizer.sep_token_id]


def _claim(
    work: Path, texts: list[str], preset: Any, student: Any, config: DistillationConfig
) -> None:
    """Make the work directory, or check that it belongs to the same run."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode("utf-8", "surrogatepass") + b"\n")
    record = {
        "teacher_preset": os.fspath(preset),
        "texts": len(texts),
        "texts_sha256": digest.hexdigest(),
        "student": {k: v for k, v in student.get_config().items() if k not in ("name", "dtype")},
        **dataclasses.asdict(config),
    }
    path = work / _RECORD_FILE
    work.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
        return
    earlier = json.loads(path.read_text(encoding="utf-8"))
    differing = sorted(k for k in {*record, *earlier} if record.get(k) != earlier.get(k))
    if differing:
        raise ArgumentError(
            f"`work_directory` {str(work)!r} belongs to a run that differs in "
            f"{', '.join(differing)}. Delete it, or pass another."
        )
