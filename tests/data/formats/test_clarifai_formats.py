"""The CSV forms of Clarifai's portal and SDK."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_textcls import ArgumentError, read
from keras_textcls.data.formats.clarifai_formats import join_concepts, split_concepts

PORTAL = (
    "input.id,input.data.text.raw,input.data.concepts[0].id,input.data.concepts[0].value,"
    "input.data.concepts[1].id,input.data.concepts[1].value,input.data.metadata\n"
    'a,first text,spam, 1,ham,0,"{""n"": 1}"\n'
    "b,second text, ham ,,,,\n"
    "c,third text,,,,,\n"
    "d,fourth text,spam,2,,,not json\n"
    "e,fifth text,spam,0,,,not json\n"
)
SDK = (
    "inputid,input,concepts,metadata,geopoints\n"
    'a,first text,"llm, mobile ","{\'page\': 1, \'b\': [True]}","12.5,40"\n'
    "b,second text,,,\n"
    "c,third text,\"llm\",__import__('os').getcwd(),\n"
    'd,fourth text,"x, ""y, z""",,\n'
)


def test_portal(tmp_path):
    (tmp_path / "p.csv").write_text(PORTAL)
    dataset = read(tmp_path / "p.csv", invalid_data_tolerance_percent=50)
    assert dataset.multi_label and dataset.labels == ["ham", "spam"]
    assert [(r.id, r.label, r.negatives) for r in dataset] == [
        ("a", ["spam"], ["ham"]),
        ("b", ["ham"], []),
        ("e", [], ["spam"]),
    ]
    assert dataset.metadata == [{"n": 1}, {}, {"metadata": "not json"}]
    assert dataset.targets == [{"ham": 0, "spam": 1}, {"ham": 1}, {"spam": 0}]
    reasons = [(r.line, r.reason) for r in dataset.invalid_rows]
    assert reasons == [(4, "no label"), (5, "not a label")]


def test_sdk(tmp_path):
    (tmp_path / "s.csv").write_text(SDK)
    dataset = read(tmp_path / "s.csv", invalid_data_tolerance_percent=50)
    # A row without a concept takes nothing from those after it.
    assert [row.label for row in dataset] == [["llm", "mobile"], ["llm"], ["x", "y, z"]]
    assert dataset.metadata[0] == {"b": [True], "page": 1, "geopoints": "12.5,40"}
    assert dataset.metadata[1] == {"metadata": "__import__('os').getcwd()"}
    assert [(r.line, r.reason) for r in dataset.invalid_rows] == [(3, "no label")]


def test_one_concept_each_is_one_label_each(tmp_path):
    (tmp_path / "s.csv").write_text("input,concepts\ngood,pos\nbad, neg \n")
    dataset = read(tmp_path / "s.csv")
    assert not dataset.multi_label and dataset.targets == ["pos", "neg"]


@pytest.mark.parametrize("form", ["portal", "sdk"])
@pytest.mark.parametrize("multi_label", [False, True])
def test_written_and_read_is_the_same(tmp_path, form, multi_label):
    labels = [["a", "b, c"], ["b, c"], ["a"]] if multi_label else [["a"], ["b"], ["a"]]
    rows = [
        {"text": t, "label": n, "id": i, "extra": e}
        for t, n, i, e in zip(
            ["one", 'two\n"quoted", é', "three"], labels, "xyz", [1, "q's", None], strict=True
        )
    ]
    dataset = read(rows, metadata=True)
    dataset.write(tmp_path / "d.csv", form)
    assert read(tmp_path / "d.csv").fingerprint == dataset.fingerprint


def test_known_negatives_are_written_in_the_portal_form_only(tmp_path):
    (tmp_path / "p.csv").write_text(PORTAL)
    dataset = read(tmp_path / "p.csv", invalid_data_tolerance_percent=50)
    dataset.write(tmp_path / "q.csv", "portal")
    assert read(tmp_path / "q.csv").targets == dataset.targets
    for form in ("sdk", "csv"):
        with pytest.raises(ArgumentError, match="no place"):
            dataset.write(tmp_path / "r.csv", form)
    assert not (tmp_path / "r.csv").exists()


@given(st.lists(st.text(alphabet='ab ,"é', min_size=1, max_size=6).map(str.strip).filter(bool)))
def test_concepts_are_joined_and_taken_apart(names):
    assert split_concepts(join_concepts(names)) == names
