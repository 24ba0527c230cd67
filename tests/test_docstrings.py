"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import keras_textcls

MODULES = sorted(m.name for m in pkgutil.walk_packages(keras_textcls.__path__, "keras_textcls."))


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    result = doctest.testmod(module, optionflags=flags)
    assert result.failed == 0


@pytest.mark.parametrize("name", keras_textcls.__all__)
def test_everything_exported_is_documented(name):
    thing = getattr(keras_textcls, name)
    assert inspect.getdoc(thing), name
    for attribute, member in vars(thing).items():
        if attribute.startswith("_") or not (inspect.isfunction(member) or isinstance(
            member, (property, classmethod)
        )):  # fmt: skip
            continue
        assert inspect.getdoc(getattr(thing, attribute)), f"{name}.{attribute}"


def test_text_classifier_documents_every_argument():
    for method in ("__init__", "fit", "evaluate", "predict", "classify", "embed", "from_preset"):
        member = getattr(keras_textcls.TextClassifier, method)
        documentation = inspect.getdoc(
            keras_textcls.TextClassifier if method == "__init__" else member
        )
        for argument in inspect.signature(member).parameters:
            if argument not in ("self", "kwargs"):
                assert f"{argument}:" in documentation, (method, argument)
