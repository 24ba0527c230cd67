"""Turn a distilled preset into one that ships with the package.

    python benchmarks/build_presets.py DISTILLED NAME --texts "..." --recipe "..." --scores "..."

A static preset is made from a distilled encoder, or from a static student.
Trims the vocabulary to Latin script, stores the weights compactly, writes the
model card and the catalogue entry with the SHA-256 of every file.
"""

from __future__ import annotations

import argparse
import json
import subprocess
from pathlib import Path
from typing import Any

import keras_hub

from keras_textcls.catalogue import CATALOGUE_FILE, file_hash
from keras_textcls.distillation.compact_presets import store_compactly, trim_vocabulary
from keras_textcls.distillation.distillation import pair_with, save_backbone
from keras_textcls.distillation.static_embeddings import static_from_encoder
from keras_textcls.models import StaticEmbeddingBackbone

PRESETS = Path(__file__).parent.parent / "presets"
DESCRIPTIONS = {
    "mini_encoder_en_uncased": (
        "Two-layer English encoder distilled from all-MiniLM-L6-v2; the vector of a text joins "
        "the means of its embeddings and of both layers, and the maximum of the last."
    ),
    "static_embedding_en_uncased": (
        "English token embeddings without context, those of mini_encoder_en_uncased after their "
        "norm; very fast."
    ),
}
CARD = """---
library_name: keras-hub
language: en
license: apache-2.0
base_model: sentence-transformers/all-MiniLM-L6-v2
---
# {name}

{description} {parameters:,} parameters; reads lower-cased text of Latin script.

```python
from keras_textcls import TextClassifier

classifier = TextClassifier.from_preset("{name}", labels=["a", "b"])
```

- Teacher: all-MiniLM-L6-v2 (sentence-transformers), Apache-2.0.
- Texts: {texts}
- Recipe: {recipe}
- Commit of the recipe: {commit}
- Accuracy of logistic regression on its frozen features, trained on 2,000 texts
  of each set (`benchmarks/frozen_features.py`): {scores}
- Storage: float16, large tables rounded to a tenth of their standard deviation
  and compressed; read back to float32.
- Limits: knows what its teacher and encyclopaedic and literary English taught it,
  prejudices included; no other languages.
"""


def main() -> None:
    """Build one preset."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("distilled", type=Path)
    parser.add_argument("name", choices=sorted(DESCRIPTIONS))
    for option in ("texts", "recipe", "scores"):
        parser.add_argument(f"--{option}", required=True)
    arguments = parser.parse_args()
    backbone = _build(arguments.distilled, PRESETS / arguments.name)
    _write_card(arguments, backbone)
    _write_entry(arguments.name, backbone)


def _build(distilled: Path, target: Path) -> Any:
    backbone = keras_hub.models.Backbone.from_preset(str(distilled))
    tokenizer = keras_hub.models.Tokenizer.from_preset(str(distilled))
    if target.name.startswith("static") and not isinstance(backbone, StaticEmbeddingBackbone):
        backbone = static_from_encoder(backbone)
    trimmed, vocabulary = trim_vocabulary(backbone, list(tokenizer.get_vocabulary()))
    save_backbone(trimmed, pair_with(trimmed, tokenizer, vocabulary), target)
    store_compactly(target / "model.weights.h5")
    return trimmed


def _write_card(arguments: argparse.Namespace, backbone: Any) -> None:
    head = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    card = CARD.format(
        name=arguments.name,
        description=DESCRIPTIONS[arguments.name],
        parameters=backbone.count_params(),
        texts=arguments.texts,
        recipe=arguments.recipe,
        scores=arguments.scores,
        commit=head.stdout.strip(),
    )
    (PRESETS / arguments.name / "README.md").write_text(card, encoding="utf-8")


def _write_entry(name: str, backbone: Any) -> None:
    path = PRESETS / CATALOGUE_FILE
    contents: dict[str, Any] = {"schema_version": 1, "presets": {}}
    if path.exists():
        contents = json.loads(path.read_text(encoding="utf-8"))
    directory = PRESETS / name
    files = sorted(p for p in directory.rglob("*") if p.is_file())
    contents["presets"][name] = {
        "backbone": type(backbone).__name__,
        "description": DESCRIPTIONS[name],
        "parameters": backbone.count_params(),
        "languages": ["English"],
        "licence": "Apache-2.0",
        "sha256": {p.relative_to(directory).as_posix(): file_hash(p) for p in files},
    }
    path.write_text(json.dumps(contents, indent=2) + "\n", encoding="utf-8")
    size = sum(p.stat().st_size for p in PRESETS.rglob("*") if p.is_file())
    print(f"{name}: presets/ holds {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
