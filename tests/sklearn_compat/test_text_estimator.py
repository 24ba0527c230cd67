"""The estimator of scikit-learn, against scikit-learn's own checks and tools."""

import copy
import pickle
import tempfile

import joblib
import keras
import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import check_estimator
from sklearn.utils.validation import NotFittedError, validate_data

from keras_textcls import ArgumentError, InvalidDataError, SklearnTextClassifier, TextClassifier
from keras_textcls import template as make_template
from keras_textcls.models import (
    StaticEmbeddingBackbone,
    StaticEmbeddingTextClassifierPreprocessor,
    StaticEmbeddingTokenizer,
)

BINS, FEATURES = 9, 12
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = [f"f{i}b{b}" for i in range(FEATURES) for b in range(BINS)]
SPAM, HAM = WORDS[:6], WORDS[20:26]
TEXTS = [f"{a} {b}" for words in (SPAM, HAM) for a in words for b in words[:3]]
NAMES = np.repeat(["spam", "ham"], 18)


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    tokenizer = StaticEmbeddingTokenizer(vocabulary=[*SPECIAL, *WORDS])
    classifier = TextClassifier(
        StaticEmbeddingBackbone(len(WORDS) + len(SPECIAL), 96),
        preprocessor=StaticEmbeddingTextClassifierPreprocessor(tokenizer, sequence_length=16),
        labels=["0", "1"],
    )
    rng = np.random.default_rng(0)
    table = classifier.backbone.token_embedding
    table.embeddings.assign(rng.normal(size=table.embeddings.shape))
    folder = tmp_path_factory.mktemp("sklearn") / "preset"
    classifier.save_to_preset(folder)
    return str(folder)


@pytest.fixture
def estimator(preset):
    return SklearnTextClassifier(preset, parameters={"cache": False})


class OfNumbers(SklearnTextClassifier):
    """Reads a row of numbers as a text, so that scikit-learn's checks can be run on it."""

    def _as_texts(self, x, **checks):
        x = validate_data(self, x, dtype="numeric", **checks)
        bins = np.clip(np.round(x * 2) + BINS // 2, 0, BINS - 1).astype(int)
        return [" ".join(f"f{i}b{b}" for i, b in enumerate(row)) for row in bins]

    def fit(self, X, y, sample_weight=None):  # noqa: N803
        return super().fit(self._as_texts(X), y, sample_weight)

    def predict_proba(self, X):  # noqa: N803
        if not hasattr(self, "classifier_"):
            raise NotFittedError(f"This {type(self).__name__} is not fitted yet")
        return super().predict_proba(self._as_texts(X, reset=False))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.string = True, False
        return tags


EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": "a class needs two texts, and the strength of "
    "the regularization is chosen by folds of texts, in which a repeated text may fall twice",
}


@pytest.mark.skipif(keras.config.backend() != "torch", reason="the same on every backend, and slow")
def test_the_checks_of_scikit_learn(preset):
    results = check_estimator(
        OfNumbers(preset, parameters={"cache": False}),
        expected_failed_checks=EXPECTED_FAILURES,
        on_fail=None,
        on_skip=None,
    )
    failed = {r["check_name"]: r["exception"] for r in results if r["status"] == "failed"}
    assert not failed
    assert len(results) > 60


@pytest.mark.parametrize("how", ["pickle", "deepcopy", "joblib"])
def test_a_copy_of_a_fitted_estimator_answers_the_same(estimator, tmp_path, how):
    estimator.fit(TEXTS, NAMES)
    if how == "pickle":
        copied = pickle.loads(pickle.dumps(estimator))
    elif how == "deepcopy":
        copied = copy.deepcopy(estimator)
    else:
        joblib.dump(estimator, tmp_path / "model.joblib")
        copied = joblib.load(tmp_path / "model.joblib")
    assert copied.get_params() == estimator.get_params()
    assert copied.classes_.tolist() == ["ham", "spam"]
    assert copied.classifier_.temperature == estimator.classifier_.temperature != 1
    np.testing.assert_array_equal(copied.predict_proba(TEXTS), estimator.predict_proba(TEXTS))
    unfitted = clone(copied)
    with pytest.raises(NotFittedError):
        unfitted.predict(TEXTS)


class _Swapped(TransformerMixin, BaseEstimator):
    """Exchanges a word of the texts, as a step of a pipeline would."""

    def fit(self, X, y=None):  # noqa: N803
        return self

    def transform(self, X):  # noqa: N803
        return [text.replace("+", " ") for text in X]

    def __sklearn_is_fitted__(self):
        return True


def test_the_tools_of_scikit_learn(estimator):
    joined = [text.replace(" ", "+") for text in TEXTS]
    pipeline = Pipeline([("words", _Swapped()), ("classifier", estimator)])
    for x in (joined, np.array(joined), pd.Series(joined, index=range(100, 136))):
        assert cross_val_score(pipeline, x, NAMES, cv=3).tolist() == [1, 1, 1]
    grid = {"classifier__parameters": [{"cache": False, "strengths": (s,)} for s in (1e4, 1e-2)]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="neg_log_loss").fit(joined, NAMES)
    assert search.best_params_["classifier__parameters"]["strengths"] == (1e-2,)
    assert search.predict(joined).tolist() == NAMES.tolist()
    by_fold = cross_val_predict(estimator, TEXTS, NAMES, cv=3, method="decision_function")
    assert ((by_fold > 0) == (NAMES == "spam")).all()


def test_several_labels_a_text(estimator):
    y = np.stack([NAMES == "spam", np.arange(36) % 2 == 0], axis=1).astype(int)
    for matrix in (
        y,
        y.tolist(),
        scipy.sparse.csr_matrix(y),
        pd.DataFrame(y),
    ):
        estimator.fit(TEXTS, matrix)
        assert estimator.classes_.tolist() == [0, 1]
        assert estimator.classifier_.multi_label
        assert estimator.predict(TEXTS)[:, 0].tolist() == y[:, 0].tolist()
    proba = estimator.predict_proba(TEXTS)
    np.testing.assert_allclose(
        estimator.decision_function(TEXTS), np.log(proba / (1 - proba)), rtol=1e-3
    )


@pytest.mark.parametrize("names", [[7, -1], [True, False], [1.0, 2.0], ["b", "a"]])
def test_classes_keep_their_type(estimator, names):
    y = np.where(NAMES == "spam", names[0], names[1]).astype(type(names[0]))
    estimator.fit(TEXTS, y)
    assert estimator.classes_.tolist() == sorted(names)
    assert estimator.predict(TEXTS).tolist() == y.tolist()
    assert estimator.predict(TEXTS).dtype == y.dtype
    assert set(estimator.classifier_.labels) == {str(value) for value in y.tolist()}
    assert estimator.score(TEXTS, y) == 1


def test_a_text_of_weight_zero_is_not_there(estimator):
    weight = np.ones(36)
    weight[::3] = 0
    kept = weight > 0
    estimator.fit(TEXTS, np.where(kept, NAMES, "eggs"), sample_weight=weight)
    assert estimator.predict_proba(TEXTS)[:, estimator.classes_ == "eggs"].max() == 0
    weighed = estimator.predict_proba(TEXTS)[:, estimator.classes_ != "eggs"]
    plain = estimator.fit(np.array(TEXTS)[kept], NAMES[kept]).predict_proba(TEXTS)
    np.testing.assert_array_equal(weighed, plain)
    even, heavy = (
        estimator.fit(TEXTS, NAMES, np.where(NAMES == "spam", weight, 1.0)).predict_proba(["x"])
        for weight in (1.0, 9.0)
    )
    assert heavy[0, 1] > even[0, 1] + 0.05


def test_text_pairs_and_columns(estimator):
    pairs = np.array([TEXTS, TEXTS[::-1]]).T
    for x in (pairs, pd.DataFrame(pairs, columns=["first", "second"])):
        assert estimator.fit(x, NAMES).predict(x).shape == (36,)
    for column in (pd.DataFrame({"text": TEXTS}), pl.DataFrame({"text": TEXTS})):
        assert estimator.fit(column, NAMES).predict(column).tolist() == NAMES.tolist()


def test_every_template_and_nothing_left_behind(preset, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    tuned = make_template("fine_tuning", epochs=1, learning_rate=0.05)
    estimator = SklearnTextClassifier(preset, tuned, {"epochs": 2}).fit(TEXTS, NAMES)
    assert estimator.classifier_.training_summary["epochs"] == 2
    pickle.loads(pickle.dumps(estimator))
    SklearnTextClassifier(preset, parameters={"cache": False}).fit(TEXTS, NAMES)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ArgumentError, match=r"`sample_weight` is for .* 'transfer_learning'"):
        estimator.fit(TEXTS, NAMES, np.ones(36))


def test_random_state(preset):
    seeds = []
    for state in (3, 3, np.random.RandomState(3), None):
        estimator = SklearnTextClassifier(preset, random_state=state)
        seeds.append(estimator._template().seed)
    assert seeds[0] == seeds[1] == 3
    assert len(set(seeds)) == 3


@pytest.mark.parametrize(
    ("x", "y", "arguments", "error", "message"),
    [
        (
            TEXTS,
            NAMES,
            {"parameters": {"epoch": 1}},
            ArgumentError,
            "names 'epoch', which",
        ),
        (TEXTS, NAMES, {"template": "nope"}, ArgumentError, "no template 'nope'"),
        (TEXTS, None, {}, InvalidDataError, "requires y to be passed"),
        (TEXTS, ["a"] * 36, {}, InvalidDataError, "one class"),
        (TEXTS[:-1], NAMES, {}, InvalidDataError, "`X` holds 35 texts, and `y` 36 labels"),
        ([*TEXTS[:-1], None], NAMES, {}, InvalidDataError, r"X\[35\] is missing"),
        (np.zeros((36, 3)), NAMES, {}, InvalidDataError, "Received 3 columns"),
        (pd.DataFrame(dict.fromkeys("abc", TEXTS)), NAMES, {}, InvalidDataError, "3 columns"),
        (TEXTS, [1, "1"] * 18, {}, ValueError, "Unknown label type"),
        (TEXTS, np.array([1, 1.0000000001] * 18, object), {}, ValueError, "Unknown label type"),
    ],
)
def test_bad_input(preset, x, y, arguments, error, message):
    with pytest.raises(error, match=message):
        SklearnTextClassifier(preset, **arguments).fit(x, y)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["spam", None, "ham"], r"y\[1\] is missing"),
        (pd.Series([1, 2, None], dtype="Int64"), r"y\[2\] is missing"),
        ([["spam"], ["spam", "ham"], []], "MultiLabelBinarizer"),
        (["spam", 1, "ham"], "labels of several types"),
    ],
)
def test_labels_that_cannot_be_used(estimator, y, message):
    with pytest.raises(InvalidDataError, match=message):
        estimator.fit(TEXTS[:3], y)


def test_nullable_integers_stay_integers(estimator):
    y = pd.Series(np.where(NAMES == "spam", 3, 1), dtype="Int64")
    assert estimator.fit(TEXTS, y).classifier_.labels == ("1", "3")
    assert estimator.predict(TEXTS).dtype == np.int64
