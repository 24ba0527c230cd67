import json
import math
import os

import numpy as np
import pyarrow as pa
import pytest
from simulated_scores import CASES, report_of, single

from keras_textcls import Report, ReportInfo
from keras_textcls.errors import InvalidDataError
from keras_textcls.evaluation.report import report_files

TEXTS = ["plain", "ünïcode 文本", "line\nbreak", ""] * 30


def lacking():
    y_true, y_score = single()
    return ["eggs", *(f"label {'abc'[i]}" for i in y_true[1:])], y_score


REPORTS = {
    **{
        name: (lambda make=make: report_of(make()).take(np.arange(100)))
        for name, make in CASES.items()
    },
    "texts and columns": lambda: report_of(
        single(),
        texts=TEXTS,
        metadata={"id": range(120), "none": [None] * 120, "when": [1.5, None] * 60},
        thresholds={"label b": 0.123456789},
        name="modèle",
        top_k=2,
        seed=7,
    ),
    "pairs": lambda: report_of(single(), texts=(TEXTS, TEXTS[::-1])),
    "labels that the model lacks": lambda: report_of(lacking()),
    "info": lambda: report_of(
        single(),
        info=ReportInfo("m", {"version": 3}, {"rows": None}, {"python": "3"}, "now", ("a", "b")),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REPORTS)
def test_what_is_loaded_is_what_was_saved(case, tmp_path):
    report = REPORTS[case]()
    report.save(tmp_path / "report")
    loaded = Report.load(tmp_path / "report")
    for name in ("y_true", "y_score", "y_pred"):
        one, other = getattr(report, name), getattr(loaded, name)
        assert one.dtype == other.dtype and one.shape == other.shape
        assert one.tobytes() == other.tobytes()
    assert repr(loaded.values) == repr(report.values)
    assert str(loaded) == str(report) and str(loaded.summary()) == str(report.summary())
    assert repr(loaded.metrics) == repr(report.metrics)
    assert repr(loaded.per_label()) == repr(report.per_label())
    for name in ("labels", "extra_labels", "multi_label", "thresholds", "info", "fingerprint"):
        assert getattr(loaded, name) == getattr(report, name)
    assert (loaded.table is None) == (report.table is None)
    assert loaded.table is None or loaded.table.equals(report.table)
    loaded.save(tmp_path / "again")
    first, again = ((tmp_path / name / "report.json").read_bytes() for name in ("report", "again"))
    assert first == again


def test_the_json_is_for_readers(tmp_path):
    report = report_of(single(absent=(1,)), name="first")
    report.save(tmp_path / "report")
    text = (tmp_path / "report" / "report.json").read_text(encoding="utf-8")
    described = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert described["schema_version"] == 2 and described["name"] == "first"
    assert described["metrics"]["accuracy"]["value"] == report["accuracy"]
    assert described["per_label"][1]["roc_auc"] is None
    assert described["fingerprint"] == report.fingerprint


def test_metrics_are_not_believed_but_computed(tmp_path):
    report = report_of(single())
    report.save(tmp_path / "report")
    change(tmp_path / "report", metrics={"accuracy": {"value": 1.0}}, per_label=None)
    assert Report.load(tmp_path / "report").values == report.values


def change(directory, **fields):
    path = directory / "report.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    for name, value in fields.items():
        described[name] = value
        if value is DROPPED:
            del described[name]
    path.write_text(json.dumps(described), encoding="utf-8")


DROPPED = object()


def test_the_first_schema_is_read(tmp_path):
    report = report_of(single())
    report.save(tmp_path / "report")
    info = {"name": "old", "model": {}, "data": {}, "environment": {}, "created": "then"}
    change(tmp_path / "report", schema_version=1, top_k=DROPPED, seed=DROPPED, info=info)
    loaded = Report.load(tmp_path / "report")
    assert repr(loaded.metrics) == repr(report.metrics)
    assert loaded.info.notes == () and loaded.name == "old"


def test_a_newer_schema_is_refused(tmp_path):
    report_of(single()).save(tmp_path / "report")
    change(tmp_path / "report", schema_version=3)
    with pytest.raises(
        InvalidDataError, match="schema_version 3.*reads up to 2.*Update keras-textcls"
    ):
        Report.load(tmp_path / "report")


# === Broken files ===

BROKEN_JSON = {
    "no schema": {"schema_version": DROPPED},
    "schema of text": {"schema_version": "2"},
    "schema true": {"schema_version": True},
    "schema 0": {"schema_version": 0},
    "no labels": {"labels": DROPPED},
    "labels of text": {"labels": "abc"},
    "other number of labels": {"labels": ["a", "b"]},
    "a label twice": {"labels": ["a", "a", "b"]},
    "labels of numbers": {"labels": [1, 2, 3]},
    "labels of lists": {"labels": [["a"], ["b"], ["c"]]},
    "extra labels of numbers": {"extra_labels": [1]},
    "extra label twice": {"extra_labels": ["x", "x"]},
    "extra label of the model": {"extra_labels": ["label a"]},
    "multi-label": {"multi_label": True},
    "multi-label of text": {"multi_label": "no"},
    "too few thresholds": {"thresholds": [0.5]},
    "thresholds of text": {"thresholds": ["a", "b", "c"]},
    "thresholds out of range": {"thresholds": [0.5, 0.5, 7]},
    "thresholds beyond floats": {"thresholds": [0.5, 0.5, 10**400]},
    "nested thresholds": {"thresholds": [[0.5], [0.5], [0.5]]},
    "top_k out of range": {"top_k": 99},
    "top_k negative": {"top_k": -1},
    "top_k of text": {"top_k": "2"},
    "seed negative": {"seed": -1},
    "seed of text": {"seed": "0"},
    "no rows": {"rows": DROPPED},
    "other rows": {"rows": 119},
    "info of text": {"info": "m"},
    "info unknown": {"info": {"unknown": 1}},
    "info name": {"info": {"name": 3}},
    "info model": {"info": {"model": [1]}},
    "info environment": {"info": {"environment": None}},
    "info created": {"info": {"created": 3}},
    "info notes of text": {"info": {"notes": "abc"}},
    "info notes of numbers": {"info": {"notes": [1]}},
    "info notes null": {"info": {"notes": None}},
}


@pytest.fixture
def saved(tmp_path):
    directory = tmp_path / "the report"
    report_of(single(), texts=TEXTS).save(directory)
    return directory


def assert_refused(directory):
    with pytest.raises(InvalidDataError) as caught:
        Report.load(directory)
    assert str(directory) in str(caught.value)
    assert caught.value.__cause__ is None and len(str(caught.value)) < 1000


@pytest.mark.parametrize("case", BROKEN_JSON)
def test_a_description_that_cannot_be_true_is_refused(case, saved):
    change(saved, **BROKEN_JSON[case])
    assert_refused(saved)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"3", b"\xff\xfe", b"[" * 100_000, b'{"schema_version": 1e999}'],
    ids=lambda value: repr(value[:12]),
)
def test_a_description_that_is_none_is_refused(content, saved):
    (saved / "report.json").write_bytes(content)
    assert_refused(saved)


def fixed(values, kind, width):
    return pa.FixedSizeListArray.from_arrays(pa.array(values, kind), width)


def scores_of(row):
    return fixed(row * 120, pa.float32(), 3)


ACTUAL = pa.array([0] * 120, pa.int32())
SCORES = scores_of([1.0, 0.0, 0.0])
ROWS_MISSING = pa.array([[1, 0, 0], None] * 60, pa.list_(pa.float32(), 3))
BROKEN_TABLES = {
    "no actual labels": {"scores": SCORES},
    "no scores": {"actual": ACTUAL},
    "labels beyond": {"actual": pa.array([3] * 120), "scores": SCORES},
    "labels below": {"actual": pa.array([-1] * 120), "scores": SCORES},
    "labels of text": {"actual": pa.array(["a"] * 120), "scores": SCORES},
    "labels of floats": {"actual": pa.array([0.0] * 120), "scores": SCORES},
    "labels of bools": {"actual": pa.array([True] * 120), "scores": SCORES},
    "labels missing": {"actual": pa.array([0, None] * 60), "scores": SCORES},
    "labels of lists": {"actual": pa.array([[0]] * 120), "scores": SCORES},
    "a matrix of labels": {"actual": fixed([0, 0, 1] * 120, pa.int8(), 3), "scores": SCORES},
    "one score a text": {"actual": ACTUAL, "scores": pa.array([1.0] * 120)},
    "scores of lists": {"actual": ACTUAL, "scores": pa.array([[1.0, 0, 0]] * 120)},
    "too few scores": {"actual": ACTUAL, "scores": fixed([0.5] * 240, pa.float32(), 2)},
    "scores of text": {"actual": ACTUAL, "scores": fixed(["a"] * 360, pa.string(), 3)},
    "scores missing": {"actual": ACTUAL, "scores": ROWS_MISSING},
    "a score missing": {"actual": ACTUAL, "scores": scores_of([1.0, None, 0])},
    "scores not finite": {"actual": ACTUAL, "scores": scores_of([1.0, math.nan, 0])},
    "logits": {"actual": ACTUAL, "scores": scores_of([2.0, -1.0, 0])},
    "no sum of one": {"actual": ACTUAL, "scores": scores_of([0.5] * 3)},
    "fewer rows": {"actual": ACTUAL[:50], "scores": SCORES[:50]},
    "no rows": {"actual": ACTUAL[:0], "scores": SCORES[:0]},
    "huge lists": {"actual": ACTUAL[:0], "scores": fixed([], pa.float32(), 2**31 - 1)},
    "texts of numbers": {"actual": ACTUAL, "scores": SCORES, "column:text": pa.array(range(120))},
}  # fmt: skip


def write(directory, columns):
    table = pa.table(columns)
    with pa.ipc.new_file(str(directory / "predictions.arrow"), table.schema) as file:
        file.write_table(table)


@pytest.mark.parametrize("case", BROKEN_TABLES)
def test_predictions_that_do_not_fit_are_refused(case, saved):
    write(saved, BROKEN_TABLES[case])
    if case == "huge lists":
        change(saved, rows=0)
    assert_refused(saved)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes")
@pytest.mark.parametrize("name", ["report.json", "predictions.arrow"])
def test_a_pipe_is_not_waited_for(name, saved):
    (saved / name).unlink()
    os.mkfifo(saved / name)
    with pytest.raises(InvalidDataError, match=f"{name}.*(is no file|is a pipe)"):
        Report.load(saved)


def test_a_matrix_of_labels_is_checked(tmp_path):
    from simulated_scores import multi

    directory = tmp_path / "several"
    report_of(multi(classes=3)).save(directory)
    scores = fixed([0.5] * 360, pa.float32(), 3)
    write(directory, {"actual": fixed([0, -1, 1] * 120, pa.int64(), 3), "scores": scores})
    with pytest.raises(InvalidDataError, match="do not match its fingerprint"):
        Report.load(directory)
    described = json.loads((directory / "report.json").read_text())
    del described["fingerprint"]
    (directory / "report.json").write_text(json.dumps(described))
    loaded = Report.load(directory)
    assert loaded.y_true.dtype == np.int8 and loaded["subset_accuracy"] is not None
    for bad in (
        fixed([0, 2, 1] * 120, pa.int8(), 3),
        fixed([0, 1] * 120, pa.int8(), 2),
        fixed([0.0, 1, 1] * 120, pa.float32(), 3),
        ACTUAL,
    ):
        write(directory, {"actual": bad, "scores": scores})
        assert_refused(directory)


def test_what_follows_from_random_damage_is_an_error_or_a_report(saved):
    path = saved / "predictions.arrow"
    whole = path.read_bytes()
    rng = np.random.default_rng(0)
    for size in np.linspace(0, len(whole) - 1, 25).astype(int):
        path.write_bytes(whole[:size])
        assert_refused(saved)
    for _ in range(150):
        content = bytearray(whole)
        for place in rng.integers(0, len(whole), 3):
            content[place] = rng.integers(256)
        path.write_bytes(content)
        try:
            assert len(Report.load(saved)) == 120
        except InvalidDataError as error:
            assert str(saved) in str(error)


@pytest.mark.parametrize("name", ["report.json", "predictions.arrow"])
def test_a_missing_file_is_named(name, saved):
    (saved / name).unlink()
    with pytest.raises(InvalidDataError, match=name):
        Report.load(saved)
    assert_refused(saved)


def test_what_is_no_report_at_all(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "nothing", tmp_path / "file"):
        with pytest.raises(InvalidDataError, match="is no saved report.*Report.save"):
            Report.load(path)


# === Saving ===


def test_a_directory_that_is_no_report_is_not_replaced(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InvalidDataError, match="holds other files and is no saved report"):
        report_of(single()).save(tmp_path)
    with pytest.raises(InvalidDataError, match="so it is not replaced"):
        report_of(single()).save(tmp_path / "notes.txt")
    assert os.listdir(tmp_path) == ["notes.txt"]


def test_a_report_is_replaced_and_what_lies_beside_it_stays(tmp_path):
    directory = tmp_path / "report"
    directory.mkdir()
    report_of(single(seed=1)).save(str(directory))
    (directory / "page.html").write_text("a page")
    other = report_of(single(seed=2))
    other.save(directory)
    assert Report.load(str(directory)).values == other.values
    assert sorted(os.listdir(directory)) == ["page.html", "predictions.arrow", "report.json"]
    assert os.listdir(tmp_path) == ["report"]


def test_a_save_that_fails_leaves_the_old_report_whole(saved, monkeypatch):
    before = Report.load(saved)
    monkeypatch.setattr(report_files, "_predictions", lambda report: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        report_of(single(seed=9)).save(saved)
    assert Report.load(saved).values == before.values
    assert os.listdir(saved.parent) == [saved.name]
