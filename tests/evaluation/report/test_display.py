import numpy as np
import pytest
from simulated_scores import multi, report_of, single

from keras_textcls import Report, ReportInfo


def test_what_a_person_sees_first():
    report = report_of(single(absent=(1,)), name="first")
    shown = str(report)
    lines = shown.splitlines()
    assert lines[0] == "Report of first on 120 texts, 3 labels"
    assert any(line.startswith("! macro_roc_auc: undefined for 'label b'") for line in lines)
    accuracy = report.metrics["accuracy"]
    assert f"{accuracy.value:.3f}  {accuracy.low:.3f} to {accuracy.high:.3f}" in shown
    for label in report.labels:
        assert any(line.startswith(label) for line in lines)
    assert lines[-1].startswith("(all labels)")
    assert "any number a text" in str(report_of(multi()))


def test_of_many_labels_the_worst_are_shown():
    report = report_of(single(400, 20))
    lines = str(report).splitlines()
    where = lines.index("The 12 labels with the lowest F1, of 20:")
    shown = {" ".join(line.split()[:2]) for line in lines[where + 2 : -1]}
    f1 = dict(zip(report.labels, report.per_label().column("f1")[:-1], strict=True))
    assert shown == set(sorted(f1, key=f1.get)[:12])


def test_labels_that_the_model_lacks_count_as_labels_that_are_shown():
    names = [f"label {'abc'[i]}" for i in single()[0]]
    for i in range(15):
        names[i] = f"extra {i}"
    report = report_of((names, single()[1]))
    lines = str(report).splitlines()
    assert "The 12 labels with the lowest F1, of 18:" in lines
    remark = next(line for line in lines if "the model lacks" in line)
    assert remark.endswith("'extra 12' and 10 more")


def test_notes_come_first():
    info = ReportInfo("m", notes=("the model was trained on 3 of these texts",))
    lines = str(report_of(single(), info=info)).splitlines()
    assert lines[1] == "! the model was trained on 3 of these texts"


@pytest.mark.parametrize("multi_label", [False, True])
def test_nothing_of_the_data_is_markup_or_controls_the_terminal(multi_label):
    labels = ["<script>a", "\x1b[2Jb"]
    y_true = [["<img src=x>"], [labels[0]]] if multi_label else ["<img src=x>", labels[0]]
    info = ReportInfo("<u>name\x1b[0m", notes=("<i>note\x07",))
    report = Report.from_predictions(y_true, np.full((2, 2), 0.5), labels, info=info)
    page = report._repr_html_()
    for markup in ("<script>", "<img", "<u>", "<i>"):
        assert markup not in page
    assert "&lt;script&gt;a" in page and "&lt;img src=x&gt;" in page
    for shown in (str(report), str(report.confusion_matrix()), str(report.per_label())):
        assert "\x1b" not in shown and "\x07" not in shown
