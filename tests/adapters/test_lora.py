"""Low-rank adapters: the formula, what trains, and what stays as it was."""

import keras
import numpy as np
import pytest
from conftest import fox_and_cat, make_classifier, perturb, quantize
from trained_adapters import move

from keras_textcls import ArgumentError
from keras_textcls.adapters import LoraConfig, add_lora
from keras_textcls.adapters.targets import find_targets

TEXTS, NAMES = fox_and_cat(16)


def arrays(model):
    return [np.array(weight) for weight in model.get_weights()]


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def one_layer(layer, shape):
    """A model of one layer, with random weights."""
    inputs = keras.Input(shape)
    return perturb(keras.Model(inputs, layer(inputs)))


# What LoRA is by definition, in numpy: the layer with the kernel W + alpha / rank * A B.
LAYERS = {
    "dense": (lambda: keras.layers.Dense(4, name="it"), (5, 6)),
    "activated": (lambda: keras.layers.Dense(4, activation="gelu", name="it"), (5, 6)),
    "heads": (
        lambda: keras.layers.EinsumDense(
            "abc,cde->abde", (None, 2, 3), bias_axes="de", activation="tanh", name="it"
        ),
        (5, 6),
    ),
    "joined": (lambda: keras.layers.EinsumDense("abcd,cde->abe", (None, 4), name="it"), (5, 2, 3)),
    "heads first": (
        lambda: keras.layers.EinsumDense("bsd,kdh->bskh", (None, 2, 3), name="it"), (5, 6)
    ),
    "output first": (
        lambda: keras.layers.EinsumDense("ibnd,hnd->ibh", (None, 4), name="it"), (5, 2, 3)
    ),
    "any axes": (lambda: keras.layers.EinsumDense("...x,xy->...y", 4, name="it"), (5, 6)),
}  # fmt: skip


@pytest.mark.parametrize("kind", LAYERS)
def test_a_layer_computes_with_the_kernel_plus_a_times_b(kind):
    build, shape = LAYERS[kind]
    model = one_layer(build(), shape)
    layer = model.get_layer("it")
    lora = move(add_lora(model, LoraConfig(rank=2, alpha=3, dropout=0.5, targets=["it"]), seed=0))
    x = np.random.default_rng(1).normal(size=(3, *shape)).astype("float32")
    found = keras.ops.convert_to_numpy(model(x))

    (a, b), kernel = (np.array(w) for w in lora.weights()["it"]), np.array(layer.kernel)
    update = (a.reshape(-1, 2) @ b.reshape(2, -1)).reshape(*a.shape[:-1], *b.shape[1:])
    equation = getattr(layer, "equation", "...x,xy->...y")
    axes = equation.split(",")[1].split("->")[0]
    summed = "".join(c for c in axes if c in equation.split(",")[0])
    order = summed + "".join(c for c in axes if c not in summed)
    kernel = kernel + 1.5 * np.einsum(f"{order}->{axes}", update)
    plain = np.einsum(equation, x, kernel) + (0 if layer.bias is None else np.array(layer.bias))
    expected = keras.ops.convert_to_numpy(layer.activation(plain.astype("float32")))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_the_gradients_are_those_of_the_formula():
    """One step of gradient descent, against the derivatives by hand."""
    model = one_layer(keras.layers.Dense(2, name="it"), (3,))
    lora = move(add_lora(model, LoraConfig(rank=2, alpha=4, dropout=0, targets="all-linear")))
    a, b = lora.weights()["it"]
    x = np.array([[1.0, 2.0, -1.0], [0.5, -1.0, 3.0]], "float32")
    y = np.array([[1.0, 0.0], [0.0, 2.0]], "float32")
    model.compile(keras.optimizers.SGD(0.01), "mean_squared_error")
    for _ in range(2):
        kernel, bias = arrays(model.get_layer("it"))[:2]
        old_a, old_b = np.array(a), np.array(b)
        error = 2 * (x @ (kernel + 2 * old_a @ old_b) + bias - y) / y.size
        model.train_on_batch(x, y)
        np.testing.assert_allclose(a, old_a - 0.01 * 2 * x.T @ error @ old_b.T, atol=1e-6)
        np.testing.assert_allclose(b, old_b - 0.01 * 2 * (x @ old_a).T @ error, atol=1e-6)
        assert_same(arrays(model.get_layer("it"))[:2], [kernel, bias])


@pytest.mark.compiled
def test_training_lowers_the_loss_and_leaves_the_base_alone():
    classifier = make_classifier(labels=["cat", "fox"])
    base = arrays(classifier.backbone)
    logits, features = (f(TEXTS, verbose=0) for f in (classifier.predict, classifier.embed))
    classifier.fit(TEXTS, NAMES, verbose=0)  # Compiled and traced before the adapters come.
    classifier.backbone.set_weights(base)
    lora = classifier.add_lora(rank=4, seed=1)
    np.testing.assert_allclose(classifier.embed(TEXTS, verbose=0), features, atol=1e-6)
    classifier.compile(keras.optimizers.Adam(0.01))
    history = classifier.fit(TEXTS, NAMES, epochs=8, batch_size=8, verbose=0, seed=2).history[
        "loss"
    ]
    assert history[-1] < history[0] - 0.02
    assert np.abs(classifier.embed(TEXTS, verbose=0) - features).max() > 1e-3
    trained = classifier.predict(TEXTS, verbose=0)
    assert np.abs(trained - logits).max() > 1e-3
    assert classifier.lora is lora
    lora.remove()
    assert classifier.lora is None
    assert_same(arrays(classifier.backbone), base)
    assert len(classifier.trainable_weights) == len(base) + 2
    classifier.fit(TEXTS, NAMES, verbose=0)


def test_merging_and_unmerging_are_exact():
    classifier = make_classifier()
    base = arrays(classifier.backbone)
    lora = move(classifier.add_lora(rank=4))
    apart, features = classifier.predict(TEXTS, verbose=0), classifier.embed(TEXTS, verbose=0)
    classifier.merge_lora()
    assert lora.is_merged
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), apart, atol=1e-5)
    np.testing.assert_allclose(classifier.embed(TEXTS, verbose=0), features, atol=1e-5)
    classifier.unmerge_lora()
    np.testing.assert_array_equal(classifier.predict(TEXTS, verbose=0), apart)
    classifier.merge_lora()
    lora.remove()
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), apart, atol=1e-5)
    kernels = [
        np.abs(x - y).max() > 0 for x, y in zip(arrays(classifier.backbone), base, strict=True)
    ]
    assert sum(kernels) == 4


def test_what_cannot_be_done_twice_says_so():
    classifier = make_classifier()
    for method in (classifier.merge_lora, classifier.unmerge_lora):
        with pytest.raises(ArgumentError, match=r"no adapters. `add_lora\(\)`"):
            method()
    lora = classifier.add_lora(rank=2)
    with pytest.raises(ArgumentError, match="not merged"):
        classifier.unmerge_lora()
    with pytest.raises(ArgumentError, match="has LoRA already"):
        classifier.add_lora(rank=2, targets=["query"])
    with pytest.raises(ArgumentError, match="cannot be quantized"):
        classifier.quantize("int8")
    classifier.merge_lora()
    with pytest.raises(ArgumentError, match="merged already"):
        classifier.merge_lora()
    with pytest.raises(ArgumentError, match=r"Call `unmerge_lora\(\)` to train"):
        classifier.fit(TEXTS, NAMES)
    lora.remove()
    with pytest.raises(ArgumentError, match="were removed"):
        lora.merge()
    assert classifier.add_lora(rank=2).num_weights == lora.num_weights


def test_the_same_seed_gives_the_same_adapters_and_the_same_training():
    found = []
    for seed in (3, 3, 4):
        classifier = make_classifier(labels=["cat", "fox"])
        classifier.add_lora(rank=2, dropout=0.5, seed=seed)
        classifier.fit(TEXTS, NAMES, verbose=0, seed=5)
        found.append(np.concatenate([np.ravel(w) for w in arrays(classifier)]))
    np.testing.assert_array_equal(found[0], found[1])
    assert np.abs(found[0] - found[2]).max() > 1e-3


def test_dropout_is_of_training_only():
    model = one_layer(keras.layers.Dense(40, name="it"), (50,))
    lora = move(add_lora(model, LoraConfig(rank=2, dropout=0.5, targets="all-linear")))
    x = np.ones((1, 50), "float32")
    first, second = (keras.ops.convert_to_numpy(model(x, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 1e-3
    lora.merge()
    still = keras.ops.convert_to_numpy(model(x, training=False))
    lora.unmerge()
    again = keras.ops.convert_to_numpy(model(x, training=False))
    np.testing.assert_allclose(still, again, atol=1e-4)


def test_names_ends_of_paths_and_patterns_find_layers():
    backbone = make_classifier(num_layers=2).backbone
    block = "transformer_layer_1/self_attention_layer"
    for targets, count in {
        (f"{block}/query",): 1,
        ("query", "value"): 4,
        "query": 2,
        ("transformer_layer_1*/query",): 1,
        (block,): 4,
        ("transformer_layer_0",): 6,
        ("*output*",): 4,
        "all-linear": 13,
        "attention": 8,
    }.items():
        assert len(find_targets(backbone, targets)) == count, targets


def test_a_name_that_matches_nothing_is_an_error():
    backbone = make_classifier().backbone
    with pytest.raises(ArgumentError, match="'querry', which matches no layer of BertBackbone. Did "
                       "you mean 'query'"):  # fmt: skip
        find_targets(backbone, ["key", "querry"])
    with pytest.raises(ArgumentError, match="is a ReversibleEmbedding without dense layers"):
        find_targets(backbone, ["token_embedding"])
    with pytest.raises(ArgumentError, match="at least one layer"):
        find_targets(backbone, [])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rank": 0}, "`rank` must be a positive integer.*rank=0"),
        ({"rank": True}, "`rank`"),
        ({"rank": 2.5}, "`rank`"),
        ({"alpha": -1}, "`alpha` must be a positive number.*alpha=-1"),
        ({"alpha": float("nan")}, "`alpha`"),
        ({"dropout": 1}, r"`dropout` must be a number in \[0, 1\).*dropout=1"),
        ({"targets": [1]}, "`targets` must be"),
        ({"targets": None}, "`targets` must be"),
    ],
)
def test_wrong_settings_are_named(arguments, message):
    with pytest.raises(ArgumentError, match=message):
        LoraConfig(**arguments)


def test_a_kernel_with_a_batch_axis_is_refused():
    """Experts, each with a kernel of its own."""
    inputs = keras.Input((3, 5))
    layer = keras.layers.EinsumDense("bec,ecd->bed", (3, 4), name="it")
    model = keras.Model(inputs, layer(inputs))
    with pytest.raises(ArgumentError, match="shares no batch axis.*'it' has 'bec,ecd->bed'"):
        add_lora(model, LoraConfig(targets=["it"]))
    with pytest.raises(ArgumentError, match="no dense layer"):
        add_lora(model, LoraConfig(targets="all-linear"))


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "bfloat16"])
def test_halves_train_adapters_in_float32(dtype):
    model = one_layer(keras.layers.Dense(8, name="it", dtype=dtype), (6,))
    lora = add_lora(model, LoraConfig(rank=2, dropout=0.1, targets="all-linear"), seed=0)
    kernel = np.array(model.get_layer("it").kernel)
    x, y = np.ones((4, 6), "float32"), np.ones((4, 8), "float32")
    model.compile(keras.optimizers.SGD(0.01), "mean_squared_error")
    model.fit(x, y, verbose=0)
    a, b = lora.weights()["it"]
    assert {str(a.dtype), str(b.dtype)} == {"float32"}
    assert np.abs(np.array(b)).max() > 0
    move(lora)
    apart = keras.ops.convert_to_numpy(model(x)).astype("float32")
    lora.merge()
    together = keras.ops.convert_to_numpy(model(x)).astype("float32")
    np.testing.assert_allclose(together, apart, rtol=0.03, atol=0.03)
    lora.unmerge()
    np.testing.assert_array_equal(np.array(model.get_layer("it").kernel), kernel)


def test_adapters_on_a_quantized_layer_train_and_do_not_merge():
    classifier = make_classifier(labels=["cat", "fox"])
    quantize(classifier)
    before = classifier.predict(TEXTS, verbose=0)
    lora = classifier.add_lora(rank=2, seed=0)
    np.testing.assert_allclose(classifier.predict(TEXTS, verbose=0), before, atol=1e-6)
    classifier.compile(keras.optimizers.Adam(0.01))
    classifier.fit(TEXTS, NAMES, verbose=0)
    assert all(np.abs(np.array(b)).max() > 0 for _, b in lora.weights().values())
    with pytest.raises(ArgumentError, match=r"is quantized \(int8\)"):
        classifier.merge_lora()
    lora.remove()
    with pytest.raises(ArgumentError, match="quantized.*has an activation"):
        classifier.add_lora(targets=["feedforward_intermediate_dense"])


def test_a_weights_file_of_keras_restores_training_and_serves_plain_models(tmp_path):
    """A checkpoint in the middle of training; and a model that knows no adapters."""
    classifier = make_classifier()
    base = arrays(classifier.backbone)
    move(classifier.add_lora(rank=2))
    expected = classifier.predict(TEXTS, verbose=0)
    classifier.save_weights(tmp_path / "x.weights.h5")
    again = make_classifier()
    lora = again.add_lora(rank=2)
    again.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(again.predict(TEXTS, verbose=0), expected)
    lora.remove()
    assert_same(arrays(again.backbone), base)
    plain = make_classifier()
    plain.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_allclose(plain.predict(TEXTS, verbose=0), expected, atol=1e-5)
