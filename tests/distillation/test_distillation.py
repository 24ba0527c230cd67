"""Distillation on a teacher of two layers that the test makes."""

import dataclasses

import keras
import keras_hub
import numpy as np
import pytest
from conftest import mixed_texts, perturb

from keras_textcls import TextClassifier
from keras_textcls.distillation.distillation import distill
from keras_textcls.distillation.distiller import DistillationConfig
from keras_textcls.distillation.student_initialization import (
    initialize_from_teacher,
    principal_components,
)
from keras_textcls.distillation.teacher_states import TeacherStates, matching_layers, teacher_reader
from keras_textcls.errors import ArgumentError, InvalidDataError
from keras_textcls.models import MiniEncoderBackbone, StaticEmbeddingBackbone

pytestmark = pytest.mark.compiled

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
VOCABULARY = [*SPECIAL, *"the quick brown fox jumped over lazy dog and a small cat".split()]
TEXTS = mixed_texts(60, longest=12)
CONFIG = DistillationConfig(
    epochs=3, batch_size=8, learning_rate=0.01, sequence_length=16, rounds_per_epoch=2
)


def _bert(**kwargs):
    arguments = dict(num_layers=2, num_heads=2, hidden_dim=8, intermediate_dim=16, dropout=0.0)
    backbone = keras_hub.models.BertBackbone(len(VOCABULARY), **{**arguments, **kwargs})
    return perturb(backbone, scale=0.3)


@pytest.fixture(scope="module")
def teacher_preset(tmp_path_factory):
    keras.utils.set_random_seed(0)
    folder = tmp_path_factory.mktemp("teacher")
    _bert().save_to_preset(folder)
    keras_hub.models.BertTokenizer(VOCABULARY, lowercase=True).save_to_preset(folder)
    return folder


def _mini(**kwargs):
    arguments = dict(num_heads=2, head_dim=4, hidden_dim=8, intermediate_dim=16, dropout=0.0)
    return MiniEncoderBackbone(len(VOCABULARY), **{**arguments, **kwargs})


def _inputs(teacher=True):
    rng = np.random.default_rng(0)
    ids = rng.integers(5, len(VOCABULARY), (4, 9)).astype("int32")
    mask = np.ones_like(ids)
    mask[1, 4:] = 0
    features = {"token_ids": ids * mask, "padding_mask": mask}
    return {**features, "segment_ids": np.zeros_like(ids)} if teacher else features


def _array(tensor):
    return np.asarray(keras.ops.convert_to_numpy(tensor))


def test_a_student_of_the_teachers_shape_starts_as_the_teacher():
    teacher, student = _bert(), _mini()
    initialize_from_teacher(student, teacher)
    expected = _array(teacher(_inputs())["sequence_output"])
    found = _array(student(_inputs(False))["sequence_output"])
    real = _inputs()["padding_mask"].astype(bool)
    np.testing.assert_allclose(found[real], expected[real], rtol=1e-5, atol=1e-5)


def test_heads_and_neurons_that_do_nothing_are_those_left_out():
    teacher = _bert()
    for layer in teacher.transformer_layers:
        output = layer._self_attention_layer._output_dense
        kernel, bias = output.get_weights()
        kernel[0] = 0.0
        output.set_weights([kernel, bias])
        kernel, bias = layer._feedforward_output_dense.get_weights()
        kernel[3:9] = 0.0
        layer._feedforward_output_dense.set_weights([kernel, bias])
    student = _mini(num_heads=1, intermediate_dim=10)
    initialize_from_teacher(student, teacher)
    expected = _array(teacher(_inputs())["sequence_output"])
    found = _array(student(_inputs(False))["sequence_output"])
    real = _inputs()["padding_mask"].astype(bool)
    np.testing.assert_allclose(found[real], expected[real], rtol=1e-5, atol=1e-5)


def test_principal_components_keep_the_most_of_the_table():
    rng = np.random.default_rng(0)
    table = rng.normal(size=(50, 6)) * [5, 1, 3, 0.1, 2, 0.5]
    basis = principal_components(table, 3)
    np.testing.assert_allclose(basis.T @ basis, np.eye(3), atol=1e-6)
    singular = np.linalg.svd(table, compute_uv=False)
    kept = np.linalg.norm(table @ basis) ** 2
    np.testing.assert_allclose(kept, (singular[:3] ** 2).sum(), rtol=1e-6)
    np.testing.assert_array_equal(principal_components(table, 6), np.eye(6))


@pytest.mark.parametrize(
    ("teacher", "student", "expected"),
    [(6, 2, [2, 5]), (12, 3, [3, 7, 11]), (2, 0, [1]), (2, 2, [0, 1]), (1, 3, [0, 0, 0])],
)
def test_matching_layers(teacher, student, expected):
    assert matching_layers(teacher, student) == expected


def _states(folder, texts):
    from keras_textcls.tokenization.text_encoder import TextEncoder

    tokenizer = keras_hub.models.BertTokenizer(VOCABULARY, lowercase=True)
    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(tokenizer, sequence_length=16)
    encoded = TextEncoder(preprocessor).encode((texts,))
    return encoded, TeacherStates(encoded, 8, 2, folder)


def test_teacher_states_are_those_of_each_text_alone(tmp_path):
    teacher = _bert()
    encoded, states = _states(tmp_path, TEXTS)
    states.fill(teacher_reader(teacher, [0, 1]), token_budget=64, verbose=False)
    for i in (0, 7, 59):
        length = int(encoded.lengths[i])
        found = states.padded(np.array([i]), length + 2)[0]
        alone = teacher(encoded.batch(np.array([i]), length))["sequence_output"]
        np.testing.assert_allclose(found[:length, 1], _array(alone)[0], atol=5e-3)
        assert not found[length:].any()


def test_a_second_reading_does_what_the_first_left(tmp_path, monkeypatch):
    class KilledError(Exception):
        pass

    reader, calls = teacher_reader(_bert(), [0, 1]), []
    read = reader.predict_on_batch

    def counting(inputs):
        calls.append(inputs)
        return read(inputs)

    def killed(inputs):
        if len(calls) == 3:
            raise KilledError
        return counting(inputs)

    with monkeypatch.context() as patch:
        patch.setattr("keras_textcls.distillation.teacher_states._BATCHES_BETWEEN_SAVES", 1)
        patch.setattr(reader, "predict_on_batch", killed)
        with pytest.raises(KilledError):
            _states(tmp_path, TEXTS)[1].fill(reader, token_budget=64, verbose=False)
    calls.clear()
    monkeypatch.setattr(reader, "predict_on_batch", counting)
    encoded, states = _states(tmp_path, TEXTS)
    states.fill(reader, token_budget=64, verbose=False)
    rest = len(calls)
    calls.clear()
    (tmp_path / "whole").mkdir()
    _, whole = _states(tmp_path / "whole", TEXTS)
    whole.fill(reader, token_budget=64, verbose=False)
    assert len(calls) - rest == 3
    everything = np.arange(len(encoded))
    np.testing.assert_array_equal(states.padded(everything, 16), whole.padded(everything, 16))


@pytest.mark.parametrize("student", ["mini", "static"])
def test_distill_lowers_the_loss_and_writes_a_preset(student, teacher_preset, tmp_path):
    history = []

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            history.append(logs["loss"])

    keras.utils.set_random_seed(1)
    backbone = _mini() if student == "mini" else StaticEmbeddingBackbone(len(VOCABULARY), 6)
    config = dataclasses.replace(CONFIG, epochs=8)
    output = tmp_path / "preset"
    distill(
        teacher_preset,
        TEXTS,
        backbone,
        output=output,
        config=config,
        verbose=0,
        callbacks=[Keep()],
    )
    assert len(history) == 16
    assert np.mean(history[-3:]) < 0.8 * np.mean(history[:3])
    loaded = TextClassifier.from_preset(output, labels=["a", "b"])
    vectors = loaded.embed(TEXTS[:5], verbose=0)
    assert vectors.shape == (5, 32 if student == "mini" else 6)
    ids = _array(loaded.preprocessor(["the fox"])["token_ids"])[0]
    assert (ids[0] == 2) == (student == "mini")


def test_a_killed_run_ends_with_the_weights_of_an_unbroken_one(teacher_preset, tmp_path):
    class KilledError(Exception):
        pass

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 4:
                raise KilledError

    def run(name, **kwargs):
        keras.utils.set_random_seed(1)
        return distill(
            teacher_preset,
            TEXTS,
            _mini(),
            output=tmp_path / name,
            config=CONFIG,
            verbose=0,
            **kwargs,
        )

    with pytest.raises(KilledError):
        run("broken", callbacks=[Kill()])
    assert not (tmp_path / "broken").exists()
    resumed, whole = run("broken"), run("whole")
    for ours, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_allclose(_array(ours), _array(theirs), rtol=1e-4, atol=1e-5)


def test_a_work_directory_of_another_run_is_refused(teacher_preset, tmp_path):
    arguments = dict(output=tmp_path / "preset", config=CONFIG, verbose=0)
    distill(teacher_preset, TEXTS[:9], _mini(), **arguments)
    with pytest.raises(ArgumentError, match="differs in texts, texts_sha256. Delete it"):
        distill(teacher_preset, TEXTS[:10], _mini(), **arguments)


def test_bad_arguments(teacher_preset, tmp_path):
    output = tmp_path / "preset"
    with pytest.raises(ArgumentError, match="`student` must be one of mini_encoder"):
        distill(teacher_preset, TEXTS, "tiny", output=output)
    with pytest.raises(ArgumentError, match="embeddings of 8 dimensions, and `student` has 384"):
        distill(teacher_preset, TEXTS, output=output)
    with pytest.raises(ArgumentError, match="`output` must be a path"):
        distill(teacher_preset, TEXTS, output=None)
    with pytest.raises(InvalidDataError, match=r"texts\[1\] is missing"):
        distill(teacher_preset, ["a", None], output=output)
    with pytest.raises(InvalidDataError, match="`texts` is empty"):
        distill(teacher_preset, [], output=output)
    with pytest.raises(ArgumentError, match="`texts` must be one column"):
        distill(teacher_preset, (["a"], ["b"]), output=output)
    with pytest.raises(ArgumentError, match="`epochs` must be positive"):
        DistillationConfig(epochs=0)
    with pytest.raises(ArgumentError, match="`warmup` is the share"):
        DistillationConfig(warmup=1.0)
    assert not output.exists()
