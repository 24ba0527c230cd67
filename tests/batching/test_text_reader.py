"""Data sets that bring their labels along: the same as lists, but never whole in memory."""

import weakref

import keras
import numpy as np
import pytest
from conftest import make_classifier, mixed_texts

from keras_textcls import ArgumentError, InvalidDataError, LabelSet, UnknownLabelError
from keras_textcls.batching import text_reader
from keras_textcls.batching.batch_source import BatchSource
from keras_textcls.inputs import text_batches
from keras_textcls.inputs.texts import LabelledTexts
from keras_textcls.tokenization.text_encoder import TextEncoder

TEXTS = mixed_texts(40)
NAMES = ["spam" if i % 4 == 0 else "ham" for i in range(40)]
LABELS = ["animal", "colour", "verb"]
TOPICS = [[], {"animal": 1, "verb": 0}, ["animal", "verb"], {"colour": 0}] * 10


class Dataset:
    """The members of `LabelledTexts`, over lists."""

    def __init__(self, texts, targets=None, labels=("ham", "spam"), multi_label=False):
        self.columns = texts if isinstance(texts, tuple) else (texts,)
        self.targets = targets
        self.labels = None if targets is None else LabelSet(labels)
        self.multi_label = multi_label

    def __len__(self):
        return len(self.columns[0])

    def chunks(self, rows):
        for i in range(0, len(self.columns[0]), rows):
            targets = None if self.targets is None else self.targets[i : i + rows]
            yield tuple(column[i : i + rows] for column in self.columns), targets


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    """Chunks that divide neither the batches nor the whole."""
    monkeypatch.setattr(text_batches, "DATASET_ROWS", 7)


@pytest.fixture
def batches(monkeypatch):
    """Every batch that Keras gets to read, as bytes."""
    read = []
    original = BatchSource.elements

    def elements(source, endless=False):
        for element in original(source, endless):
            read.append([np.asarray(a).tobytes() for a in keras.tree.flatten(element)])
            yield element

    monkeypatch.setattr(BatchSource, "elements", elements)
    return read


def test_the_protocol_is_met_by_its_members_alone():
    assert isinstance(Dataset(TEXTS), LabelledTexts)
    for other in (TEXTS, (TEXTS, TEXTS), np.array(TEXTS), {"token_ids": [1]}, None):
        assert not isinstance(other, LabelledTexts)


@pytest.mark.parametrize(
    "options",
    [
        {"shuffle": False},
        {"validation_split": 0.2, "class_weight": "balanced"},
        {"sample_weight": np.linspace(0, 2, 40), "class_weight": {"spam": 2.0}},
    ],
)
def test_fit_is_that_on_lists(options, batches):
    ends = []
    for x, y in ((TEXTS, NAMES), (Dataset(TEXTS, NAMES), None)):
        model = make_classifier(dropout=0.3)
        history = model.fit(x, y, batch_size=8, seed=3, verbose=0, **options)
        ends.append((list(batches), history.history, model.predict(TEXTS, verbose=0)))
        batches.clear()
    (expected, losses, outputs), (found, same_losses, same_outputs) = ends
    assert found == expected
    assert same_losses.keys() == losses.keys()
    for name, values in losses.items():
        np.testing.assert_allclose(same_losses[name], values, atol=1e-6)
    np.testing.assert_allclose(same_outputs, outputs, atol=1e-6)


def _assert_read_alike(classifier, dataset, texts, y):
    reader = classifier._reader("fit")
    expected = reader.read(texts, y, np.arange(40)).whole
    found = reader.read(dataset, None, np.arange(40)).whole
    np.testing.assert_array_equal(found.y, expected.y)
    np.testing.assert_array_equal(found.sample_weight, expected.sample_weight)
    np.testing.assert_array_equal(found.texts.lengths, expected.texts.lengths)
    for part in ("flat", "fixed"):
        arrays, wanted = getattr(found.texts, part), getattr(expected.texts, part)
        assert arrays.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(arrays[name], values)
            assert arrays[name].dtype == values.dtype


def test_tokens_and_targets_are_those_of_lists(classifier):
    _assert_read_alike(classifier, Dataset(TEXTS, NAMES), TEXTS, NAMES)
    pairs = (TEXTS, TEXTS[::-1])
    _assert_read_alike(classifier, Dataset(pairs, NAMES), pairs, NAMES)


def test_many_texts_are_tokenized_alike(classifier, monkeypatch):
    """2048 texts at once take the fast path, so some chunks take it and others do not."""
    monkeypatch.setattr(text_batches, "DATASET_ROWS", 2048)
    texts = mixed_texts(2500, longest=4)
    reader = classifier._reader("predict")
    expected, found = (reader.read(x, labelled=False).whole for x in (texts, Dataset(texts)))
    np.testing.assert_array_equal(found.texts.lengths, expected.texts.lengths)
    for name, values in expected.texts.flat.items():
        np.testing.assert_array_equal(found.texts.flat[name], values)


def test_targets_of_a_multi_label_classifier():
    model = make_classifier(labels=LABELS, multi_label=True)
    _assert_read_alike(model, Dataset(TEXTS, TOPICS, LABELS, True), TEXTS, TOPICS)
    model = make_classifier(multi_label=True)
    _assert_read_alike(model, Dataset(TEXTS, NAMES), TEXTS, [[name] for name in NAMES])


@pytest.mark.parametrize("texts", [TEXTS, (TEXTS, TEXTS[::-1])], ids=["single", "pairs"])
def test_outputs_are_those_of_lists(classifier, texts):
    dataset, unlabelled = Dataset(texts, NAMES), Dataset(texts)
    for method in (classifier.predict, classifier.predict_proba, classifier.embed):
        expected = method(texts, verbose=0)
        for x in (dataset, unlabelled):
            # On JAX the widths of a batch follow from the calls before it.
            np.testing.assert_allclose(method(x, verbose=0), expected, atol=1e-5)
    answers = zip(classifier.classify(dataset), classifier.classify(texts), strict=True)
    assert all(a.label == b.label for a, b in answers)
    weight = np.linspace(0, 2, 40)
    assert classifier.evaluate(dataset, sample_weight=weight, verbose=0) == pytest.approx(
        classifier.evaluate(texts, NAMES, sample_weight=weight, verbose=0), abs=1e-5
    )


def test_validation_data(classifier):
    classifier.compile(keras.optimizers.SGD(0.0))
    expected = classifier.evaluate(TEXTS[:9], NAMES[:9], verbose=0, return_dict=True)["loss"]
    held_out = Dataset(TEXTS[:9], NAMES[:9])
    for data in (held_out, (held_out, None, np.ones(9))):
        history = classifier.fit(Dataset(TEXTS, NAMES), validation_data=data, verbose=0)
        assert history.history["val_loss"][0] == pytest.approx(expected, abs=1e-6)


class _Text(str):
    """A string that can be watched."""


def test_the_strings_are_never_all_in_memory(classifier):
    class Watched(Dataset):
        def chunks(self, rows):
            alive = weakref.WeakSet()
            for i in range(0, len(self), rows):
                self.most = max(self.most, len(alive))
                texts = [_Text(t) for t in self.columns[0][i : i + rows]]
                alive.update(texts)
                yield (texts,), self.targets[i : i + rows]
                del texts

    # Distinct strings: a set counts equal ones once.
    dataset = Watched([f"{t} {i}" for i, t in enumerate(TEXTS)], NAMES)
    dataset.most = 0
    classifier.fit(dataset, verbose=0)
    # What Keras Hub traced its tokenizer with may stay until the garbage is collected.
    assert dataset.most <= 14


def test_strings_of_a_stream_are_kept_for_one_window(classifier, monkeypatch):
    monkeypatch.setattr(text_reader, "STREAM_WINDOW", 12)
    alive, most = weakref.WeakSet(), []

    class Stream(keras.utils.PyDataset):
        num_batches = 10

        def __getitem__(self, index):
            most.append(len(alive))
            texts = [_Text(f"{TEXTS[i]} {index}") for i in range(4)]
            alive.update(texts)
            return (texts, NAMES[:4])

    for run in (classifier.fit, classifier.evaluate, classifier.predict):
        run(Stream(), verbose=0)
        # A window, and the batch that is read beside it.
        assert max(most) <= 12 + 4
        most.clear()


def test_calibrate_reads_batches_of_the_form_that_predict_reads(classifier, batches):
    classifier.predict(TEXTS, batch_size=8, verbose=0)
    expected = list(batches)
    batches.clear()
    classifier.calibrate(TEXTS, NAMES, batch_size=8)
    assert batches == expected


def test_placeholders_take_the_names_in_the_order_of_the_data_set():
    model = make_classifier(num_classes=2)
    model.fit(Dataset(TEXTS, NAMES, ["spam", "ham"]), verbose=0)
    assert model.labels == ["spam", "ham"]
    model.fit(Dataset(TEXTS, NAMES, ["ham", "spam"]), verbose=0)
    assert model.labels == ["spam", "ham"]


def test_too_many_names_for_the_outputs():
    model = make_classifier(num_classes=2)
    with pytest.raises(InvalidDataError, match=r"^`x` holds 3 different label names \(a, b, c\)"):
        model.fit(Dataset(["x"], ["a"], ["a", "b", "c"]), verbose=0)
    assert model.labels.is_numbered


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        (Dataset(TEXTS), InvalidDataError, "`x` is a data set without labels. Pass one with"),
        (
            Dataset(TEXTS, NAMES, ["ham", "spma", "spam"]),
            UnknownLabelError,
            "Unknown label 'spma' at x.labels[1]. Did you mean 'spam'? The labels are: 'ham', 'sp",
        ),
        (
            Dataset(TEXTS, [[n] for n in NAMES], multi_label=True),
            InvalidDataError,
            "`x` is a multi-label data set, but this classifier takes one label a text. Create a "
            "`TextClassifier` with `multi_label=True`.",
        ),
    ],
)
def test_labels_that_do_not_fit_are_refused_before_tokenizing(
    classifier, dataset, error, message, monkeypatch
):
    def encode(*_):
        raise AssertionError("tokenized")

    monkeypatch.setattr(TextEncoder, "encode", encode)
    for run in (classifier.fit, classifier.evaluate):
        with pytest.raises(error) as raised:
            run(dataset, verbose=0)
        assert message in str(raised.value)


class _Short(Dataset):
    def __len__(self):
        return 50


@pytest.mark.parametrize(
    ("dataset", "options", "error", "message"),
    [
        (Dataset(TEXTS, NAMES), {"y": NAMES}, ArgumentError, "so `y` cannot be given beside it"),
        (Dataset([], []), {}, InvalidDataError, "`x` is a data set without texts."),
        (_Short(TEXTS, NAMES), {}, InvalidDataError, "of 50 texts, but its chunks hold 40."),
        (Dataset(TEXTS, NAMES), {"sample_weight": [1.0]}, InvalidDataError, "of the 40 texts."),
        (Dataset([*TEXTS[:9], None], NAMES), {}, InvalidDataError, "x[9] is missing: None"),
        (
            Dataset(TEXTS, [*NAMES[:9], "eggs", *NAMES[10:]]),
            {},
            UnknownLabelError,
            "Unknown label 'eggs' at targets[7:14][2].",
        ),
        (Dataset(TEXTS, NAMES[:9]), {}, InvalidDataError, "`targets[7:14]` must have the same len"),
    ],
)
def test_bad_data_sets(classifier, dataset, options, error, message):
    with pytest.raises(error) as raised:
        classifier.fit(dataset, verbose=0, **options)
    assert message in str(raised.value)


def test_without_a_preprocessor_texts_are_refused(classifier):
    classifier.preprocessor = None
    for run in (classifier.fit, classifier.predict):
        with pytest.raises(InvalidDataError, match="no preprocessor, so `x` must be a dict"):
            run(Dataset(TEXTS, NAMES), verbose=0)


def test_unknown_labels_of_a_data_set_are_refused_where_the_loss_counts_them():
    model = make_classifier(labels=LABELS, multi_label=True)
    model.compile(loss="binary_crossentropy", metrics=None)
    with pytest.raises(ArgumentError, match=r"^targets\[0:7\]\[1\] leaves labels unknown, but"):
        model.fit(Dataset(TEXTS, TOPICS, LABELS, True), verbose=0)
