"""Everything public that is a value can be copied and pickled."""

import copy
import inspect
import pickle

import joblib
import numpy as np
import pytest

import keras_textcls
from keras_textcls import (
    AnswerOptions,
    DownloadPolicy,
    KerasTextclsError,
    LabelSet,
    Prediction,
    PromptTemplate,
    Report,
    VectorScaling,
    compare,
    presets,
    read,
    template,
    templates,
)

ROWS = [("free money", "spam"), ("see you", "ham"), ("free cash", "spam"), ("hi", "ham")]
ERRORS = sorted(
    name
    for name in keras_textcls.__all__
    if inspect.isclass(getattr(keras_textcls, name))
    and issubclass(getattr(keras_textcls, name), KerasTextclsError)
)


def report():
    odds = np.array([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.4, 0.6]])
    return Report.from_predictions([label for _, label in ROWS], odds, labels=["ham", "spam"])


def values():
    dataset, measured = read(ROWS * 3, invalid_data_tolerance_percent=100), report()
    return {
        "dataset": dataset,
        "parts": dataset.split(0.5, 0.5, 0),
        "example": dataset[0],
        "invalid rows": read([*ROWS, (None, "x")], invalid_data_tolerance_percent=50).invalid_rows,
        "statistics": dataset.stats(),
        "findings": dataset.check(),
        "labels": LabelSet(["ham", "spam"]),
        "prediction": Prediction("ham", 0.5, ("ham",), (0.5,)),
        "options": AnswerOptions(("ham",), 0.25, 3),
        "scaling": VectorScaling((1.0,), (0.0,)),
        "prompt": PromptTemplate(),
        "policy": DownloadPolicy(allow_private=True),
        "templates": templates(),
        "template": template("fine_tuning", seed=3),
        "presets": presets(),
        "report": measured,
        "comparison": compare([measured, measured]),
    }


def test_values_are_copied_and_pickled(tmp_path):
    for name, value in values().items():
        joblib.dump(value, tmp_path / "value")
        for made in (
            copy.copy(value),
            copy.deepcopy(value),
            pickle.loads(pickle.dumps(value)),
            joblib.load(tmp_path / "value"),
        ):
            assert type(made) is type(value), name
            assert str(made) == str(value), name
            if type(value).__eq__ is not object.__eq__:
                assert made == value, name


@pytest.mark.parametrize("name", ERRORS)
def test_errors_pass_from_process_to_process(name):
    error = getattr(keras_textcls, name)("what is wrong")
    made = pickle.loads(pickle.dumps(error))
    assert (type(made), str(made)) == (type(error), str(error))
