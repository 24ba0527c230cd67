"""Each private name of Keras and Keras Hub is as `keras_compat` takes it, and used only there.

A release that changes one fails in this file, with the name in the message.
"""

import ast
import inspect
import json
import warnings
from pathlib import Path

import keras
import keras_hub
import numpy as np
import pytest
import tensorflow as tf
from architectures.vocabularies import byte_pair, sentence_piece
from conftest import make_classifier, mixed_texts
from keras.src.ops.function import make_node_key
from keras.src.optimizers.base_optimizer import BaseOptimizer
from keras.src.trainers.data_adapters import data_adapter_utils
from keras.src.trainers.data_adapters.data_adapter import DataAdapter
from keras_hub.src.tokenizers import byte_pair_tokenizer
from keras_hub.src.utils import preset_utils
from keras_hub.src.utils.transformers.preset_loader import TransformersPresetLoader
from small_language_models import language_model

import keras_textcls
from keras_textcls.execution import predict
from keras_textcls.keras_compat import (
    fallback,
    generation,
    layers,
    metrics,
    optimizers,
    presets,
    tokenizers,
    trainers,
    transformer_blocks,
    variables,
)
from keras_textcls.models import GPTNeoCausalLM
from keras_textcls.optimization.fused_adam import fused_adam
from keras_textcls.tokenization.fast_tokenization import (
    FastBytePair,
    GraphTokenizer,
    fast_tokenizer,
)

PACKAGE = Path(keras_textcls.__file__).parent
ROOM = PACKAGE / "keras_compat"
PRESET = str(PACKAGE.parent / "presets" / "static_embedding_en_uncased")
BACKEND = keras.config.backend()

# What is called, or is called of ours, with exactly these parameters.
SIGNATURES = [
    (keras.layers.Layer, "_flatten_layers", "self include_self recursive"),
    (keras.Model, "_symbolic_build", "self iterator data_batch"),
    (make_node_key, "__call__", "op node_index"),
    (DataAdapter, "get_numpy_iterator", "self"),
    (DataAdapter, "get_jax_iterator", "self"),
    (DataAdapter, "get_tf_dataset", "self"),
    (DataAdapter, "get_torch_dataloader", "self"),
    (DataAdapter, "on_epoch_begin", "self"),
    (DataAdapter, "on_epoch_end", "self"),
    (data_adapter_utils, "get_torch_dataloader", "iterable"),
    (BaseOptimizer, "_get_variable_index", "self variable"),
    (BaseOptimizer, "_backend_update_step", "self grads trainable_variables learning_rate"),
    (BaseOptimizer, "_backend_apply_gradients", "self grads trainable_variables"),
    (BaseOptimizer, "_apply_weight_decay", "self variables"),
    (BaseOptimizer, "_use_weight_decay", "self variable"),
    (preset_utils, "get_file", "preset path"),
    (preset_utils, "check_file_exists", "preset path"),
    (preset_utils, "load_json", "preset config_file"),
    (preset_utils, "get_preset_loader", "preset"),
    (preset_utils, "register_presets", "presets backbone_cls"),
    (preset_utils.PresetLoader, "load_preprocessor", "self cls config_file kwargs"),
    (TransformersPresetLoader, "__init__", "self preset config"),
    (TransformersPresetLoader, "load_backbone", "self cls load_weights kwargs"),
    (TransformersPresetLoader, "load_task", "self cls load_weights load_task_weights kwargs"),
    (byte_pair_tokenizer, "split_strings_for_bpe", "inputs unsplittable_tokens"),
    (keras_hub.tokenizers.BytePairTokenizer, "tokenize", "self inputs"),
    (keras_hub.tokenizers.BytePairTokenizer, "_tokenize_tf", "self inputs"),
    (keras_hub.tokenizers.SentencePieceTokenizer, "set_proto", "self proto"),
    (keras_hub.models.GPT2CausalLM, "_build_cache", "self token_ids"),
    (keras_hub.models.GPT2CausalLM, "call_with_cache", "self token_ids cache cache_update_index"),
]
if BACKEND == "jax":
    SIGNATURES.append((keras.Model, "jax_state_sync", "self"))
if BACKEND == "torch":
    SIGNATURES.append((keras.layers.Layer, "_track_variables", "self"))
if BACKEND == "tensorflow":
    SIGNATURES.append((keras.Model, "make_predict_function", "self force"))
    SIGNATURES.append((keras.Model, "predict_step", "self data"))


def _parameters(owner, name):
    function = owner if name == "__call__" else getattr(owner, name, None)
    return "missing" if function is None else " ".join(inspect.signature(function).parameters)


def test_every_private_function_has_the_parameters_that_are_passed():
    wrong = [
        f"{getattr(owner, '__name__', owner)}.{name}: {_parameters(owner, name)!r}, not {wanted!r}"
        for owner, name, wanted in SIGNATURES
        if _parameters(owner, name) != wanted
    ]
    versions = f"keras {keras.__version__} and keras-hub {keras_hub.__version__}"
    assert not wrong, f"changed in {versions}: " + "; ".join(wrong)


def test_a_data_adapter_must_define_what_ours_defines():
    wanted = {
        "batch_size", "get_jax_iterator", "get_numpy_iterator", "get_tf_dataset",
        "get_torch_dataloader", "has_partial_batch", "num_batches", "on_epoch_begin",
        "on_epoch_end", "partial_batch_size",
    }  # fmt: skip
    assert {name for name in vars(DataAdapter) if not name.startswith("_")} == wanted


# Layers


class Block(keras.layers.Layer):
    """A layer with parts at two depths."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(2, name="one")
        self.rest = [keras.layers.Dense(2, name="two"), keras.Sequential([keras.layers.Dense(2)])]

    def build(self, input_shape):
        for part in (self.first, *self.rest):
            part.build(input_shape)

    def call(self, x):
        for part in (self.first, *self.rest):
            x = part(x)
        return x


def _built_block():
    block = Block()
    block.build((None, 2))
    return block


def test_all_layers_and_direct_parts():
    block = _built_block()
    inner = block.rest[1].layers[0]
    assert layers.direct_parts(block) == [block.first, *block.rest]
    assert layers.all_layers(block)[0] is block
    assert set(layers.all_layers(block)) >= {block, block.first, *block.rest, inner}
    model = keras.Sequential([keras.Input((2,)), block])
    assert set(layers.all_layers(block)) <= set(layers.all_layers(model))


def test_held_values_tell_the_attributes_but_keras_own_lists():
    block = _built_block()
    held = layers.held_values(block)
    holding = [name for name, value in held.items() if value is block.first]
    assert holding == ["first"]
    lists = [v for v in held.values() if isinstance(v, list) and block.first in v]
    assert lists == [], "a list of Keras's own is not known by its name"
    assert held["rest"][0] is block.rest[0]


def test_snake_case_is_that_of_the_names_of_layers():
    assert keras.layers.EinsumDense("ab,bc->ac", (2,)).name.startswith("einsum_dense")
    assert layers.snake_case("EinsumDense") == "einsum_dense"


def test_a_built_layer_takes_parts_only_while_it_is_unlocked():
    dense = keras.layers.Dense(2)
    dense.build((None, 2))
    with pytest.raises(ValueError, match="cannot add new elements"):
        dense.part = keras.layers.Dense(1)
    with layers.unlocked(dense):
        dense.part = part = keras.layers.Dense(1)
    assert layers.direct_parts(dense) == [part]
    with pytest.raises(ValueError, match="cannot add new elements"):
        dense.other = keras.layers.Dense(1)
    del dense.part
    layers.forget_part(dense, part)
    assert layers.direct_parts(dense) == []


def test_set_trainable_alone_leaves_the_parts():
    block = _built_block()
    block.trainable = False
    layers.set_trainable_alone(block, True)
    assert block.trainable and not block.first.trainable


def test_kernel_variable_can_be_assigned_to():
    dense, einsum = keras.layers.Dense(2), keras.layers.EinsumDense("ab,bc->ac", (2,))
    for layer in (dense, einsum):
        layer.build((None, 2))
        layers.kernel_variable(layer).assign(np.eye(2))
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(layer.kernel), np.eye(2))


@pytest.mark.skipif(BACKEND != "torch", reason="only PyTorch lists parameters")
def test_parameters_are_listed_anew():
    dense = keras.layers.Dense(2)
    dense.build((None, 2))
    model = keras.Sequential([keras.Input((2,)), dense])
    assert len(list(model.parameters())) == 2
    with layers.unlocked(dense):
        dense.part = keras.layers.Dense(1)
        dense.part.build((None, 2))
    layers.list_parameters_anew(model)
    assert len(dense._torch_params) == len(model._torch_params) == 4


def test_outputs_within_are_those_of_one_model():
    dense, inputs = keras.layers.Dense(2), keras.Input((2,))
    hidden = dense(inputs)
    model = keras.Model(inputs, keras.ops.relu(hidden))
    keras.Model(inputs, dense(hidden))
    assert layers.outputs_within(model, dense) == [hidden]
    assert layers.outputs_within(model, keras.layers.Dense(2)) == []


# Metrics, `fit`, `evaluate` and `predict`


def test_direction_of_metrics():
    metric = keras.metrics.Mean(name="own")
    metrics.copy_direction(metric, keras.metrics.MeanSquaredError())
    assert metric._direction == "down"
    metrics.copy_direction(metric, keras.metrics.BinaryAccuracy())
    assert metric._direction == "up"


class Numbers(trainers.BatchAdapter):
    """Two batches of different size."""

    num_batches = 2

    def __iter__(self):
        for rows in (3, 2):
            yield np.ones((rows, 2), "float32"), np.ones((rows, 1), "float32")

    def get_tf_dataset(self):
        spec = [tf.TensorSpec([None, width]) for width in (2, 1)]
        return tf.data.Dataset.from_generator(lambda: iter(self), output_signature=tuple(spec))


class Recorder(keras.Sequential):
    """Remembers with what `evaluate` was called."""

    def evaluate(self, *args, **kwargs):
        self.within = trainers.is_within_fit(kwargs)
        return super().evaluate(*args, **kwargs)


def _model():
    model = Recorder([keras.Input((2,)), keras.layers.Dense(1, name="dense")])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    return model


def test_keras_reads_batches_from_an_adapter():
    model = _model()
    model.fit(Numbers(), validation_data=Numbers(), epochs=2, verbose=0)
    assert model.within
    model.evaluate(Numbers(), verbose=0)
    assert not model.within
    assert model.predict(Numbers(), verbose=0).shape == (5, 1)


def test_metrics_are_built_before_the_first_step():
    model = _model()
    before = len(model.metrics_variables)
    trainers.build_metrics(model, next(iter(Numbers())))
    assert len(model.metrics_variables) > before


def test_layers_that_changed_since_compile_are_taken_as_they_are():
    model = _model()
    assert set(model._compiled_trainable_state) == set(layers.all_layers(model))
    model.get_layer("dense").trainable = False
    with pytest.warns(UserWarning, match="`trainable` state has changed"):
        model._warn_if_trainable_state_changed()
    model.get_layer("dense").trainable = True
    trainers.mark_layers_as_compiled(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model._warn_if_trainable_state_changed()


def test_compiled_steps_are_forgotten():
    model = _model()
    model.fit(Numbers(), verbose=0)
    model.predict(Numbers(), verbose=0)
    assert model.train_function is not None and model.predict_function is not None
    trainers.forget_compiled_steps(model)
    assert model.train_function is model.test_function is model.predict_function is None
    causal_lm = language_model("gpt2")
    causal_lm.make_generate_function()
    assert causal_lm.generate_function is not None
    trainers.forget_compiled_steps(causal_lm)
    assert causal_lm.generate_function is None


@pytest.mark.skipif(BACKEND != "jax", reason="only JAX takes the weights away")
def test_the_state_of_an_interrupted_fit_on_jax_comes_back():
    model = _model()

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.fit(Numbers(), verbose=0, callbacks=[Stop()])
    trainers.give_back_jax_state(model)
    assert all(variables.has_value(v) for v in model.trainable_variables)
    assert model._jax_state is None


def test_a_variable_has_its_value():
    variable = keras.Variable([1.0])
    assert variables.has_value(variable)
    variable._value = None
    assert not variables.has_value(variable)


@pytest.mark.compiled
@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow traces a predict")
def test_a_step_of_predict_is_traced():
    model = _model()
    assert trainers.can_trace_late(model)
    step = trainers.traced_predict_step(model)
    assert model.predict_function is step
    assert step([(np.ones((3, 2), "float32"),)]).shape == (3, 1)
    assert step.experimental_get_tracing_count() == 1


# Optimizers


def _optimizer_and_variables(optimizer):
    made = [keras.Variable([1.0, 2.0], name="a"), keras.Variable([3.0], name="b")]
    optimizer.build(made)
    return optimizer, made


def test_moments_and_variables_of_adam():
    optimizer, made = _optimizer_and_variables(keras.optimizers.Adam())
    means, squares = optimizers.adam_moments(optimizer, made[::-1])
    for values in (means, squares):
        assert [tuple(value.shape) for value in values] == [(1,), (2,)]
    assert optimizers.can_replace_adam(optimizer)
    assert optimizers.trainable_variable(optimizer, made[1]) is made[1]


def test_steps_are_replaced_while_the_context_is_open():
    optimizer, made = _optimizer_and_variables(keras.optimizers.Adam(0.5))
    calls = []

    def apply(optimizer, gradients, variables):
        calls.append("apply")
        optimizers.apply_gradients(optimizer, gradients, variables)

    def update(optimizer, gradients, variables, learning_rate):
        calls.append((len(gradients), len(variables), float(learning_rate)))

    gradients = [keras.ops.ones(2), keras.ops.ones(1)]
    applies = None if BACKEND == "jax" else apply
    with optimizers.replaced_steps(optimizer, update, applies):
        optimizer.apply(gradients)
    assert calls == ([] if applies is None else ["apply"]) + [(2, 2, 0.5)]
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(made[1]), [3.0])
    optimizer.apply(gradients)
    assert keras.ops.convert_to_numpy(made[1])[0] < 3.0


class Halving(optimizers.AdamWWithFactors):
    """Decays the weights of one variable half as fast."""

    def factor(self, variable):
        return 0.5 if optimizers.trainable_variable(self, variable).path == "b" else 1.0


def test_weight_decay_has_a_factor():
    optimizer, made = _optimizer_and_variables(Halving(0.1, weight_decay=1.0))
    optimizer.apply([keras.ops.zeros(2), keras.ops.zeros(1)])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(made[0]), [0.9, 1.8], rtol=1e-6)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(made[1]), [2.85], rtol=1e-6)


# Keras Hub


@pytest.mark.parametrize("kind", ["TransformerEncoder", "TransformerDecoder"])
def test_parts_of_transformer_blocks(kind):
    block = getattr(keras_hub.layers, kind)(8, 2)
    assert not transformer_blocks.has_block_part(keras.layers.Dense(2), "query")
    block(np.ones((1, 3, 4), "float32"))
    for part in transformer_blocks.BLOCK_PARTS:
        assert transformer_blocks.has_block_part(block, part), part
        is_norm = isinstance(
            transformer_blocks.block_part(block, part), keras.layers.LayerNormalization
        )
        assert is_norm == part.endswith("norm"), part
    assert transformer_blocks.block_part(block, "intermediate").units == 8


def test_the_approximate_gelu_is_that_of_bert():
    block = make_classifier().backbone.transformer_layers[0]
    activation = transformer_blocks.block_part(block, "intermediate").activation
    assert activation is transformer_blocks.gelu_approximate


def test_files_of_presets():
    assert presets.has_file(PRESET, presets.CONFIG_FILE)
    assert not presets.has_file(PRESET, presets.SHARDS_FILE)
    contents = presets.read_json(PRESET, presets.CONFIG_FILE)
    assert contents == json.loads(Path(presets.local_file(PRESET, presets.CONFIG_FILE)).read_text())
    with pytest.raises(FileNotFoundError):
        presets.local_file(PRESET, "nothing.json")
    assert presets.kaggle_handle("bert_tiny_en_uncased").startswith("kaggle://keras/bert/")
    assert presets.kaggle_handle("nothing") is None
    files = (
        presets.TASK_FILE, presets.PREPROCESSOR_FILE, presets.TOKENIZER_FILE,
        presets.BACKBONE_WEIGHTS_FILE, presets.TASK_WEIGHTS_FILE, presets.SHARDS_FILE,
    )  # fmt: skip
    assert files == (
        "task.json", "preprocessor.json", "tokenizer.json", "model.weights.h5",
        "task.weights.h5", "model.weights.json",
    )  # fmt: skip


def test_a_preprocessor_is_loaded_as_the_class_that_is_asked_for(tmp_path):
    classifier = make_classifier()
    keras_hub.models.Task.save_to_preset(classifier, str(tmp_path))
    preprocessor = classifier.preprocessor
    again = presets.load_preprocessor(str(tmp_path), type(preprocessor))
    assert type(again) is type(preprocessor)
    assert again.sequence_length == preprocessor.sequence_length


def test_presets_of_a_class_are_registered():
    class OwnBackbone(keras_hub.models.Backbone):
        """Nothing but a name."""

    entry = {"metadata": {"description": "", "params": 1}, "kaggle_handle": "kaggle://a/b/c/d/1"}
    try:
        presets.register_presets({"a_preset_of_this_test": entry}, OwnBackbone)
        assert "a_preset_of_this_test" in OwnBackbone.presets
        assert presets.kaggle_handle("a_preset_of_this_test") == "kaggle://a/b/c/d/1"
    finally:
        preset_utils.BUILTIN_PRESETS.pop("a_preset_of_this_test")


def test_a_property_of_a_class():
    class Own:
        @presets.classproperty
        def name(cls):  # noqa: N805
            return cls.__name__

    assert Own.name == "Own"


def test_a_loader_asks_the_converter_it_is_given(tmp_path):
    class Converter:
        backbone_cls = keras_hub.models.BertBackbone

        @staticmethod
        def convert_backbone_config(config):
            return config["arguments"]

    arguments = {
        "vocabulary_size": 9, "num_layers": 1, "num_heads": 1, "hidden_dim": 4,
        "intermediate_dim": 4,
    }  # fmt: skip
    loader = presets.CheckpointLoader(str(tmp_path), {"arguments": arguments}, Converter)
    backbone = loader.load_backbone(keras_hub.models.BertBackbone, load_weights=False)
    assert backbone.vocabulary_size == 9


def _sentence_piece_tokenizer():
    proto = sentence_piece(pad="<pad>", eos="</s>", bos="<s>")
    return keras_hub.tokenizers.SentencePieceTokenizer(proto=proto)


def test_which_tokenizers_follow_the_rules_of_byte_pairs():
    class Own(keras_hub.tokenizers.BytePairTokenizer):
        def tokenize(self, inputs):
            return super().tokenize(inputs)

    arguments = byte_pair()
    assert tokenizers.can_tokenize_byte_pairs(keras_hub.tokenizers.BytePairTokenizer(**arguments))
    assert not tokenizers.can_tokenize_byte_pairs(Own(**arguments))
    assert not tokenizers.can_tokenize_byte_pairs(_sentence_piece_tokenizer())


def test_a_sentence_piece_model_is_loaded_anew():
    tokenizer = _sentence_piece_tokenizer()
    assert tokenizers.is_sentence_piece(tokenizer)
    before, _ = GraphTokenizer(tokenizer)(["a fox"])
    tokenizers.reload(tokenizer)
    after, _ = GraphTokenizer(tokenizer)(["a fox"])
    np.testing.assert_array_equal(after, before)


@pytest.mark.parametrize("kind", ["gpt_neo", "gpt2"])
def test_prompts_are_read_into_a_cache_that_generation_goes_on_from(kind):
    causal_lm = language_model(kind)
    assert generation.has_prompt_cache(causal_lm)
    assert not generation.has_prompt_cache(causal_lm.backbone)
    token_ids = keras.ops.convert_to_tensor([[3, 4, 5, 6]], "int32")
    cache = generation.prompt_cache(causal_lm, token_ids)
    expected = causal_lm({"token_ids": token_ids, "padding_mask": keras.ops.ones((1, 4), "int32")})
    # The last token once more, after the three before it.
    again = causal_lm.call_with_cache(token_ids[:, 3:], cache, 3)[0]
    again, expected = (keras.ops.convert_to_numpy(logits) for logits in (again, expected))
    np.testing.assert_allclose(again[:, 0], expected[:, 3], atol=1e-4)


def test_keras_hub_asks_gpt_neo_for_its_cache():
    asked = []

    class Own(GPTNeoCausalLM):
        def build_cache(self, token_ids):
            asked.append(token_ids)
            return super().build_cache(token_ids)

    made = language_model()
    causal_lm = Own(backbone=made.backbone, preprocessor=None)
    generation.prompt_cache(causal_lm, keras.ops.ones((1, 4), "int32"))
    assert len(asked) == 1
    assert "self._build_cache(" in inspect.getsource(keras_hub.models.GPT2CausalLM.generate_step)


# Without a name, what only makes things faster is left out


@pytest.fixture
def _no_warning_yet(monkeypatch):
    monkeypatch.setattr(fallback, "_warned", set())


def _warned_once(action, slower):
    """The results of two calls, the first of which warns."""
    message = rf"Keras {keras.__version__} with Keras Hub .* has no .*{slower} is slower"
    with pytest.warns(UserWarning, match=message) as caught:
        first = action()
        again = action()
    assert len([warning for warning in caught if slower in str(warning.message)]) == 1
    return first, again


def _trained(optimizer):
    optimizer, made = _optimizer_and_variables(optimizer)
    with fused_adam(optimizer):
        is_fused = "_backend_update_step" in vars(optimizer)
        optimizer.apply([keras.ops.ones(2), keras.ops.ones(1)])
    return is_fused, [keras.ops.convert_to_numpy(v) for v in made]


@pytest.mark.skipif(BACKEND == "jax", reason="JAX fuses the steps of Adam itself")
@pytest.mark.usefixtures("_no_warning_yet")
def test_adam_is_kerass_own_where_a_name_is_gone(monkeypatch):
    is_fused, expected = _trained(keras.optimizers.Adam(0.1))
    assert is_fused
    if BACKEND == "torch":
        import torch

        monkeypatch.delattr(torch, "_fused_adam_")
    else:
        monkeypatch.setattr(optimizers, "STEP_NAMES", ("_renamed_in_a_later_keras",))
    for is_fused, found in _warned_once(
        lambda: _trained(keras.optimizers.Adam(0.1)), "training with Adam"
    ):
        assert not is_fused
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX fuses the steps of Adam itself")
@pytest.mark.parametrize("name", ["_get_variable_index", "_backend_update_step"])
@pytest.mark.usefixtures("_no_warning_yet")
def test_each_name_of_the_steps_counts(monkeypatch, name):
    optimizer, _ = _optimizer_and_variables(keras.optimizers.Adam())
    for cls in type(optimizer).__mro__:
        if name in vars(cls):
            monkeypatch.delattr(cls, name)
    assert _warned_once(lambda: optimizers.can_replace_adam(optimizer), "training with Adam") == (
        False,
        False,
    )


@pytest.mark.compiled
@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow traces a predict")
@pytest.mark.usefixtures("_no_warning_yet")
def test_predict_is_kerass_own_where_a_name_is_gone(monkeypatch):
    texts = mixed_texts(5)
    expected = make_classifier(compile=False).predict(texts, verbose=0)
    monkeypatch.setattr(trainers, "LATE_GRAPH_NAMES", ("renamed_in_a_later_keras",))
    classifier = make_classifier(compile=False)
    for found in _warned_once(
        lambda: classifier.predict(texts, verbose=0), "`predict` of a few texts"
    ):
        np.testing.assert_allclose(found, expected, atol=1e-5)
    assert not isinstance(classifier.predict_function, predict._LateGraph)


@pytest.mark.usefixtures("_no_warning_yet")
def test_byte_pairs_are_keras_hubs_own_where_a_name_is_gone(monkeypatch):
    tokenizer = keras_hub.tokenizers.BytePairTokenizer(**byte_pair())
    texts = ["a fox", "two  spaces"]
    assert isinstance(fast_tokenizer(tokenizer), FastBytePair)
    expected = fast_tokenizer(tokenizer)(texts)
    monkeypatch.setattr(tokenizers, "TOKENIZING", ("renamed_in_a_later_keras_hub",))
    for made in _warned_once(lambda: fast_tokenizer(tokenizer), "byte-pair tokenization"):
        assert isinstance(made, GraphTokenizer)
        for found, wanted in zip(made(texts), expected, strict=True):
            np.testing.assert_array_equal(found, wanted)


# Nowhere else


def _files():
    return [path for path in sorted(PACKAGE.rglob("*.py")) if not path.is_relative_to(ROOM)]


def _is_private(name):
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__"))


def _is_on_self(node):
    """Whether a node of a syntax tree is an attribute of `self` or `cls`."""
    return isinstance(node, ast.Attribute) and getattr(node.value, "id", "") in ("self", "cls")


def _defined(tree):
    """The private names that a file defines: functions, classes, variables, own attributes."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif _is_on_self(node) and isinstance(node.ctx, ast.Store):
            yield node.attr


def _names_of_the_room():
    """The private names of Keras that the room uses, and none that it defines."""
    used, own = set(), set()
    for path in ROOM.glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.update(node.value.split("."))
            elif isinstance(node, ast.FunctionDef):
                used.add(node.name)
        own.update(
            t.id
            for node in tree.body
            if isinstance(node, (ast.Assign, ast.AnnAssign))
            for t in ast.walk(node)
            if isinstance(t, ast.Name) and isinstance(t.ctx, ast.Store)
        )
    return {name for name in used - own if _is_private(name) and name.isidentifier()}


# Private by their names, and documented by Python or notebooks.
_OF_PYTHON = {"_asdict", "_fields", "_replace", "_repr_html_", "_Hash"}
# Of urllib3: the host that a connection looks up (data/downloads/http_connections.py).
_OF_URLLIB3 = {"_dns_host"}
# Names of the room that files use for attributes of their own, on `self` only.
_ALSO_OURS = {"_kernel", "_trainable", "_value"}


def test_the_room_uses_the_names_that_are_meant():
    names = _names_of_the_room()
    assert {"_flatten_layers", "_jax_state", "_build_cache", "_query_dense"} <= names


def test_no_other_file_imports_the_inside_of_keras():
    inside = ("keras.src", "keras_hub.src")
    for path in _files():
        for node in ast.walk(ast.parse(path.read_text())):
            modules = []
            if isinstance(node, ast.ImportFrom):
                modules = [node.module or ""]
            elif isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            assert not any(m.startswith(inside) for m in modules), f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute):
                assert not ast.unparse(node).startswith(inside), f"{path}:{node.lineno}"


def test_no_other_file_uses_a_private_name_of_keras():
    trees = {path: ast.parse(path.read_text()) for path in _files()}
    ours = {name for tree in trees.values() for name in _defined(tree)}
    ours |= _OF_PYTHON | _OF_URLLIB3
    names = _names_of_the_room()
    wrong = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            used, on_self = [], False
            if isinstance(node, ast.Attribute):
                used, on_self = [node.attr], _is_on_self(node)
            elif isinstance(node, ast.ClassDef):
                # Methods that Keras would call.
                used = [part.name for part in node.body if isinstance(part, ast.FunctionDef)]
                on_self = True
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                # In `getattr`, `vars(...)[...]` and keyword arguments.
                used = names.intersection([node.value])
            for name in filter(_is_private, used):
                is_of_keras = name in names and not (on_self and name in _ALSO_OURS)
                if is_of_keras or name not in ours:
                    wrong.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {name}")
    assert not wrong, "private names of Keras outside of keras_compat: " + ", ".join(wrong)


def test_a_model_is_built_within_bounds_and_allocated_last():
    """`build_within` relies on how Keras keeps variables that wait for their values."""
    from keras.src.backend.common import global_state

    from keras_textcls.keras_compat.allocation import TooManyNumbersError, build_within

    def build(units, count=1):
        inputs = outputs = keras.Input((4,))
        for _ in range(count):
            outputs = keras.layers.Dense(units)(outputs)
        return keras.Model(inputs, outputs)

    seen = []

    def check(model):
        seen.append([tuple(weight.shape) for weight in model.weights])
        assert all(weight._value is None for weight in model.weights)

    model = build_within(lambda: build(3), 15, 2, check)
    assert seen == [[(4, 3), (3,)]]
    assert keras.ops.convert_to_numpy(model(np.ones((2, 4)))).shape == (2, 3)
    assert np.any(model.get_weights()[0])
    for units, count in ((10**12, 1), (3, 2)):
        with pytest.raises(TooManyNumbersError, match="where at most 15 in 2 are allowed"):
            build_within(lambda units=units, count=count: build(units, count), 15, 2)
        assert not global_state.get_global_attribute("uninitialized_variables")
    assert build(2).count_params() == 10
