"""The `README.md` that is written into every saved preset."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from keras_textcls.models.gelu import changed_gelu
from keras_textcls.saving.saved_model import SavedAnswers

CARD_FILE = "README.md"
_MARK = "<!-- Written by keras-textcls; remove this line to keep your own edits. -->"
_MOST_LABELS = 50
# Text that is no markup.
_PLAIN = re.compile(r"[^\W_]([\w .,:;%()/'+-]*[\w.%)])?")


def is_own_card(path: Path) -> bool:
    """Return whether a model card was written by this library and not edited since.

    Args:
        path: `Path` of a README.

    Returns:
        A bool: it exists and still has our mark.
    """
    try:
        return _MARK in path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def write_card(
    classifier: SavedAnswers, portable: bool, directory: Path, base: str | None = None
) -> None:
    """Write the model card.

    Args:
        classifier: a `TextClassifier`.
        portable: bool, whether Keras Hub alone can load the preset.
        directory: `Path` of the preset.
        base: string, the preset whose adapters it holds. Defaults to `None`: it
            is a whole preset.
    """
    kind = "multi-label" if classifier.multi_label else "one label a text"
    labels = [f"{i}. {code_span(name)}" for i, name in enumerate(classifier.labels)][:_MOST_LABELS]
    more = len(classifier.labels) - len(labels)
    name = type(classifier).__name__
    usage = [
        f"from keras_textcls import {name}",
        "",
        f'classifier = {name}.from_preset("path/to/this/directory")',
        'classifier.classify(["your text"])',
    ]
    how, plain = _how_it_answers(classifier, portable, base)
    training = [
        f"- {_plain(k)}: {_plain(v)}" for k, v in (classifier.training_summary or {}).items()
    ]
    text = "\n".join(
        [
            "---",
            "library_name: keras-hub",
            "pipeline_tag: text-classification",
            "---",
            _MARK,
            "",
            f"# Text classifier on {type(classifier.backbone).__name__}",
            "",
            f"{classifier.num_classes} labels ({kind}), "
            f"{classifier.backbone.count_params():,} parameters in the backbone, {how}.",
            "",
            "## Labels",
            "",
            *labels,
            *([f"... and {more} more"] if more > 0 else []),
            "",
            "## Use",
            "",
            "```python",
            *usage,
            "```",
            "",
            plain,
            "",
            *(["## Training", "", *training, ""] if training else []),
        ]
    )
    (directory / CARD_FILE).write_text(text, encoding="utf-8")


def code_span(text: str) -> str:
    """Return a text as code in Markdown, which shows it as it is: no markup, no HTML, one line.

    Args:
        text: string, such as the name of a label.

    Returns:
        A string.

    Example:
    >>> print(code_span("a `b` <script>"))
    ``a `b` <script>``
    """
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if line[:1] in ("`", " ") or line[-1:] in ("`", " ") else ""
    return f"{fence}{space}{line}{space}{fence}"


def _plain(value: Any) -> str:
    """A value as text of Markdown, or as code if it may be more than text."""
    text = str(value)
    return text if _PLAIN.fullmatch(text) else code_span(text)


def _how_it_answers(classifier: SavedAnswers, portable: bool, base: str | None) -> tuple[str, str]:
    """How labels are predicted, and what loads the preset without keras-textcls."""
    pooling = getattr(classifier, "pooling", None)
    if pooling is None:
        how = "asked for by a prompt, each scored by its likelihood"
        plain = (
            "Without keras-textcls, `keras_hub.models.CausalLM.from_preset` loads it as a language "
            "model; prompt and answers stand in `classifier.json`."
            if portable
            else "Its architecture is not one that Keras Hub has: loading it takes keras-textcls."
        )
    else:
        how = f"pooling `{pooling}`"
        plain = (
            "Without keras-textcls, `keras_hub.models.TextClassifier.from_preset` loads it too; "
            "its outputs are then numbered, not named."
            if portable
            else "Its head is not one that Keras Hub has: loading it takes keras-textcls."
        )
    if portable and changed_gelu(classifier.backbone) is not None:
        plain += " They differ by about a thousandth: it approximates the GELU."
    if base is not None:
        plain = (
            f"These are low-rank adapters{'' if pooling is None else ' and a head'} for the preset "
            f"{code_span(base)}, which is loaded too; where it has another name, pass `base=...`."
        )
    return how, plain
