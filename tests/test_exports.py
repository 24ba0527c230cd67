"""One door: what is exported, and that opening it loads nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import keras_textcls

PACKAGE = Path(keras_textcls.__file__).parent

# The layers of the package, lowest first. A module imports only from those before it.
LAYERS = [
    "text_display",
    "versions",
    "errors",
    "labels",
    "calibration",
    "prediction",
    "inputs",
    "targets",
    "preprocessor_fingerprint",
    "tracing",
    "fast_tokenization",
    "framing",
    "pieces",
    "encoded_texts",
    "encoding",
    "batching",
    "batch_source",
    "feeding",
    "fit_data",
    "masked",
    "heads",
    "padding",
    "execution",
    "keras_predict",
    "fast_adam",
    "layerwise_adam",
    "schedules",
    "smoothing",
    "atomic",
    "catalogue",
    "preset_files",
    "weight_fingerprint",
    "adapters",
    "text_classifier_preprocessor",
    "models",
    "converters",
    "model_card",
    "whole_texts",
    "serialization",
    "adapter_presets",
    "label_answers",
    "keras_fit",
    "text_classifier",
    "text_to_text",
    "text_to_text_classifier",
    "data",
    "distillation",
    "training",
    "evaluation",
    "cli",
    "__init__",
]


def test_all_is_sorted_and_complete():
    assert keras_textcls.__all__ == sorted(keras_textcls.__all__)
    assert set(keras_textcls.__all__) == set(keras_textcls._EXPORTS)
    for name in keras_textcls.__all__:
        assert getattr(keras_textcls, name).__name__ == name
    assert set(keras_textcls.__all__) <= set(dir(keras_textcls))


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'TextClasifier'"):
        keras_textcls.TextClasifier  # noqa: B018


def test_import_loads_neither_keras_nor_a_backend():
    code = (
        "import sys; before = set(sys.modules); import keras_textcls;"
        "new = {m.split('.')[0] for m in set(sys.modules) - before};"
        "print(sorted(m for m in new if m not in sys.stdlib_module_names))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent
    )
    assert result.stdout.strip() == "['keras_textcls']"


def _imports(path):
    """Modules of the package that a file imports when it runs."""
    tree = ast.parse(path.read_text())
    guarded = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and getattr(branch.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node not in guarded:
            parts = (node.module or "").split(".")
            if parts[0] == "keras_textcls":
                yield from [parts[1]] if len(parts) > 1 else [alias.name for alias in node.names]


def _files(layer):
    """The file of a module, or all files of a package, each of which is one layer."""
    return list((PACKAGE / layer).rglob("*.py")) or [PACKAGE / f"{layer}.py"]


def test_every_module_has_a_layer():
    packages = [p.parent.name for p in PACKAGE.glob("*/__init__.py")]
    assert sorted([p.stem for p in PACKAGE.glob("*.py")] + packages) == sorted(LAYERS)


@pytest.mark.parametrize("layer", LAYERS)
def test_modules_import_only_from_below(layer):
    below = set(LAYERS[: LAYERS.index(layer)])
    for file in _files(layer):
        assert set(_imports(file)) - {layer} <= below, file
