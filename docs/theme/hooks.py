"""What mkdocs adds to the pages: the version they describe, and where each is written."""

import html
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
# Pages that a script writes, or that show a file from elsewhere.
WRITTEN_BY = {
    "architectures.md": "docs/architectures.py",
    "command_line.md": "docs/command_line.py",
    "changes.md": "CHANGELOG.md",
}
# Names that are short enough to stand on one line of a telephone.
SHORT_NAME = re.compile(r"<code>([^<\s]{1,28})</code>")


def on_config(config: Any) -> Any:
    """Put the version into the foot of every page."""
    text = (ROOT / "keras_textcls" / "version.py").read_text(encoding="utf-8")
    version = re.search(r'__version__ = "([^"]+)"', text)[1]
    config.extra["version_described"] = version
    config.copyright = f"keras-textcls {version}, Apache-2.0"
    return config


def on_page_content(content: str, page: Any, config: Any, **_: Any) -> str:
    """Keep names whole, and say under a page which file to edit, and which version it is of."""
    content = SHORT_NAME.sub(r'<code class="whole">\1</code>', content)
    path = page.file.src_uri
    source = html.escape(WRITTEN_BY.get(path, f"docs/{path}"))
    version = config.extra["version_described"]
    return f'{content}\n<p class="written-in">keras-textcls {version}, <code>{source}</code></p>'
