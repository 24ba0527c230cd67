"""The rooms of the package: each imports only from those above it, and nothing goes round."""

import ast
from pathlib import Path

import pytest

import keras_textcls

PACKAGE = Path(keras_textcls.__file__).parent

# The top folders and files, highest first. Each imports only from itself and from those before it,
# also inside functions and under `TYPE_CHECKING`.
ROOMS = [
    "version",
    "errors",
    "labels",
    "catalogue",
    "utils",
    "inputs",
    "data",
    "predictions",
    "keras_compat",
    "tokenization",
    "batching",
    "adapters",
    "models",
    "optimization",
    "saving",
    "execution",
    "classifiers",
    "text_to_text",
    "distillation",
    "training",
    "sklearn_compat",
    "evaluation",
    "cli",
    "__init__",
]
FILES = sorted(PACKAGE.rglob("*.py"))


def _module(file):
    """The name of a file's module, within the package."""
    parts = file.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


MODULES = {_module(file): file for file in FILES}


def _imports(file):
    """Modules of the package that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            package, _, module = name.partition(".")
            if package == "keras_textcls":
                yield module if module in MODULES else module.rpartition(".")[0]


GRAPH = {name: set(_imports(file)) for name, file in MODULES.items()}


def test_every_file_stands_in_a_room():
    assert {name.partition(".")[0] for name in MODULES} == set(ROOMS)


def test_every_room_says_what_it_is_for_and_has_no_exported_name():
    for file in PACKAGE.rglob("__init__.py"):
        assert ast.get_docstring(ast.parse(file.read_text())), file
    assert not set(ROOMS) & set(keras_textcls.__all__)


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_from_above(room):
    allowed = set(ROOMS[: ROOMS.index(room) + 1])
    for name, imported in GRAPH.items():
        if name.partition(".")[0] == room:
            below = {other for other in imported if other.partition(".")[0] not in allowed}
            assert not below, f"keras_textcls.{name} imports {sorted(below)}"


def test_no_files_import_each_other_in_a_circle():
    left = {name: imported - {name} for name, imported in GRAPH.items()}
    while True:
        done = {name for name, imported in left.items() if not imported}
        if not done:
            break
        left = {name: imported - done for name, imported in left.items() if name not in done}
    # What is left imports, directly or not, a file of a circle.
    inside = {n for n in left if any(n in imported for imported in left.values())}
    assert not left, f"circles among {sorted(inside)}"
