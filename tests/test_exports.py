"""One door: what is exported, and that opening it loads nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import keras_textcls

PACKAGE = Path(keras_textcls.__file__).parent


def test_all_is_sorted_and_complete():
    assert keras_textcls.__all__ == sorted(keras_textcls.__all__)
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imported = [
        alias.name for n in ast.walk(stub) if isinstance(n, ast.ImportFrom) for alias in n.names
    ]
    assert sorted(imported) == keras_textcls.__all__
    for name in keras_textcls.__all__:
        assert getattr(keras_textcls, name).__name__ == name
    assert set(keras_textcls.__all__) <= set(dir(keras_textcls))


def test_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No keras_textcls attribute TextClasifier"):
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
    assert result.stdout.strip() == "['keras_textcls', 'lazy_loader']"
