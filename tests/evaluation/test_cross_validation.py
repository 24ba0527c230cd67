"""Cross-validation and learning curves: every text judged once by a model that never saw it."""

import numpy as np
import pytest
import training_process as process

from keras_textcls import (
    ArgumentError,
    InvalidDataError,
    TextClassifier,
    cross_validate,
    learning_curve,
    read,
    template,
)
from keras_textcls.evaluation import cross_validation

WORDS = {"fox": "spam", "dog": "ham", "cat": "eggs"}
ROWS = [(f"the {word} {i} over {extra}", label)
        for i, extra in enumerate(["a", "the", "and", "lazy", "quick"])
        for word, label in WORDS.items()]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_TEXTCLS_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cv") / "preset"
    process.write_preset(directory)
    return directory


def test_every_text_is_held_out_once_by_a_model_that_never_saw_it(preset, monkeypatch):
    seen, texts_embedded = [], []
    train, embed = cross_validation.train, TextClassifier.embed

    def watched(dataset, *args, **kwargs):
        seen.append(set(dataset.texts))
        return train(dataset, *args, **kwargs)

    def counted(self, x, *args, **kwargs):
        texts_embedded.append(len(x[0]) if isinstance(x, tuple) else len(x))
        return embed(self, x, *args, **kwargs)

    monkeypatch.setattr(cross_validation, "train", watched)
    monkeypatch.setattr(TextClassifier, "embed", counted)
    dataset = read(ROWS)
    found = cross_validate(dataset, preset, folds=2)
    assert found.report.texts == dataset.texts
    np.testing.assert_array_equal(found.fold, dataset.folds(2))
    for i, part in enumerate(found.reports):
        assert set(part.texts) == {dataset.texts[j] for j in np.flatnonzero(found.fold == i)}
        assert not seen[i] & set(part.texts)
        assert part.name == f"fold {i + 1}"
    # Embedded once for all folds, not once a fold.
    assert sum(texts_embedded) == len(ROWS)
    np.testing.assert_allclose(found.report.y_score.sum(axis=1), 1, atol=1e-5)

    row = next(row for row in found.summary() if row["metric"] == "accuracy")
    values = [report["accuracy"] for report in found.reports]
    assert row["mean"] == pytest.approx(np.mean(values))
    assert row["std"] == pytest.approx(np.std(values, ddof=1))
    assert row["all texts"] == found.report["accuracy"]
    assert "2 folds of 15 texts" in str(found)


@pytest.mark.long
def test_several_labels_a_text(preset):
    rows = [(text, [label, "long"] if i % 2 else [label]) for i, (text, label) in enumerate(ROWS)]
    found = cross_validate(read(rows), preset, folds=2)
    assert found.report.multi_label
    support = found.report.label_counts()
    for label, count in support.items():
        held = [part.label_counts()[label] for part in found.reports]
        assert sum(held) == count
        assert max(held) - min(held) <= 2


@pytest.mark.long
def test_a_template_that_trains_all_weights(preset):
    quick = template("fine_tuning", epochs=1, batch_size=8, validation_share=0.0)
    found = cross_validate(read(ROWS), preset, quick, folds=2)
    assert found.report.name == "fine_tuning"
    assert len(found.report) == len(ROWS)


def test_a_learning_curve_grows_with_the_texts(preset):
    test = read([("the fox", "spam"), ("a dog", "ham"), ("the cat", "eggs")])
    found = learning_curve(read(ROWS), preset, sizes=(0.5, 1.0), repeats=2, test=test)
    small, whole = found.sizes
    assert small < whole == len(ROWS)
    assert found.values["accuracy"].shape == (2, 2)
    table = found.table()
    assert table.column("texts") == [small, whole]
    assert table.column("accuracy")[0] == pytest.approx(found.values["accuracy"][0].mean())
    # Without test texts a fifth is held out.
    assert learning_curve(read(ROWS), preset, sizes=[1.0]).sizes[0] < len(ROWS)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"folds": 1}, ArgumentError, "`folds` must be an integer from 2 on"),
        ({"folds": 16}, InvalidDataError, "15 texts cannot be dealt out to 16 folds"),
        ({"template": "lorra"}, ArgumentError, "lora"),
        ({"seed": -1}, ArgumentError, "`seed`"),
    ],
)
def test_what_cannot_be_cross_validated(preset, arguments, error, message):
    with pytest.raises(error, match=message):
        cross_validate(read(ROWS), preset, **arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"sizes": [0]}, "`sizes`"), ({"sizes": [1.5]}, "`sizes`"), ({"repeats": 0}, "`repeats`")],
)
def test_what_is_no_learning_curve(preset, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        learning_curve(read(ROWS), preset, **arguments)


def test_a_label_with_a_single_text_is_named(preset):
    with pytest.raises(InvalidDataError, match="With one only: 'only'"):
        cross_validate(read([*ROWS, ("alone", "only")]), preset)
