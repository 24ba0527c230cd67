"""The contenders of the accuracy benchmark.

Each is a function from a task and its settings (seed, model, epochs and so on) to the
probabilities of the test texts, a column for each name, and the seconds that parts of it took.
Tokenization counts. Loading a model counts only where `train` of this library does it itself.
"""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import _accuracy_trainer
import numpy as np
from _accuracy_tasks import SEPARATOR, Examples, Task

Settings = dict[str, Any]
Outcome = tuple[np.ndarray, dict[str, Any]]
Solve = Callable[[Task, Settings], Outcome]
BUNDLED = "mini_encoder_en_uncased"
# Adapters of little rank and great scale everywhere: best on sst2, of what `LOG.md` tells.
ALL_DENSE: Settings = {
    "targets": ("all-linear",), "rank": 8, "alpha": 64.0, "lora_dropout": 0.0,
    "learning_rate": 3e-4,
}  # fmt: skip
ITERATIONS = 1000


class Contender(NamedTuple):
    """A named function, the parts it takes part in, and the backend it needs, if any."""

    name: str
    parts: tuple[str, ...]
    solve: Solve
    keras: bool = False


def solve_tfidf(task: Task, settings: Settings, pairs: bool = False) -> Outcome:
    """TF-IDF of words and a logistic regression, both as scikit-learn has them."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    options = {"ngram_range": (1, 2), "sublinear_tf": True} if pairs else {}
    start = time.perf_counter()
    vectorizer = TfidfVectorizer(**options)
    features = vectorizer.fit_transform(task.train.texts)
    model = LogisticRegression(C=10.0 if pairs else 1.0, max_iter=ITERATIONS)
    model.fit(features, task.train.labels)
    seconds = time.perf_counter() - start
    scores = model.predict_proba(vectorizer.transform(task.test.texts))
    return spread(scores, model.classes_, task), {"train_s": seconds}


def solve_tfidf_pairs(task: Task, settings: Settings) -> Outcome:
    """The same with pairs of words, sublinear counts and less regularization."""
    return solve_tfidf(task, settings, pairs=True)


@functools.cache
def sentence_encoder(model: str) -> Any:
    """A model of sentence-transformers, warmed up."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(model, device="cpu")
    encoder.encode(["a text to warm up"] * 64, show_progress_bar=False)
    return encoder


@functools.lru_cache(maxsize=2)
def sentence_vectors(model: str, texts: tuple[str, ...]) -> np.ndarray:
    """Embeddings of the test texts, the same for each seed."""
    vectors = sentence_encoder(model).encode(list(texts), show_progress_bar=False)
    return np.asarray(vectors)


def solve_sentence_transformers(task: Task, settings: Settings) -> Outcome:
    """Embeddings by sentence-transformers and a logistic regression."""
    from sklearn.linear_model import LogisticRegression

    encoder = sentence_encoder(settings["model"])
    start = time.perf_counter()
    features = encoder.encode(task.train.texts, show_progress_bar=False)
    embedded = time.perf_counter() - start
    model = LogisticRegression(max_iter=ITERATIONS).fit(features, task.train.labels)
    seconds = time.perf_counter() - start
    vectors = sentence_vectors(settings["model"], tuple(task.test.texts))
    scores = spread(model.predict_proba(vectors), model.classes_, task)
    return scores, {"train_s": seconds, "embed_s": embedded}


def spread(scores: np.ndarray, classes: np.ndarray, task: Task) -> np.ndarray:
    """Columns for all names, zero for a label that the training texts lack."""
    columns = np.zeros((len(scores), len(task.names)))
    columns[:, [task.names.index(name) for name in classes]] = scores
    return columns


def solve_trainer(task: Task, settings: Settings) -> Outcome:
    """Hugging Face's Trainer, each batch padded to its longest text."""
    return _accuracy_trainer.fine_tune(task, settings, grouped=False)


def solve_trainer_grouped(task: Task, settings: Settings) -> Outcome:
    """The same with its own grouping of texts of like length."""
    return _accuracy_trainer.fine_tune(task, settings, grouped=True)


def dataset(task: Task, examples: Examples) -> Any:
    """The examples as a dataset of this library."""
    import keras_textcls

    columns = {"text": examples.texts, "label": examples.labels}
    return keras_textcls.read(
        columns,
        labels=task.names,
        multi_label=task.multi_label,
        label_separator=SEPARATOR if task.multi_label else None,
    )


def solve_ours(task: Task, settings: Settings, template: str, **chosen: Any) -> Outcome:
    """This library: `train` with a template, then the model it saved, loaded again."""
    import keras_textcls

    train = dataset(task, task.train)
    names = ("epochs", "learning_rate", "batch_size", "seed")
    chosen |= {name: settings[name] for name in names if name in settings}
    if template != "transfer_learning":
        # The Trainer trains on all texts for all epochs, and so does it here.
        chosen["validation_share"] = 0.0
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        run = keras_textcls.train(
            train,
            preset=settings["model"],
            template=keras_textcls.template(template, **chosen),
            output=folder,
            name=task.name,
        )
        seconds = time.perf_counter() - start
        classifier = run.load()
    scores = classifier.predict_proba(task.test.texts, verbose=0)
    order = [list(classifier.labels).index(name) for name in task.names]
    return scores[:, order], {"train_s": seconds}


@functools.cache
def bare_classifier(model: str) -> Any:
    """A classifier of this library that only embeds, warmed up."""
    import keras_textcls

    classifier = keras_textcls.TextClassifier.from_preset(model, num_classes=2)
    classifier.embed(["a text to warm up"] * 64, verbose=0)
    return classifier


def solve_transfer(task: Task, settings: Settings) -> Outcome:
    """The template `transfer_learning`, beside the bare embedding of the same texts."""
    classifier = bare_classifier(settings["model"])
    start = time.perf_counter()
    classifier.embed(task.train.texts, verbose=0)
    embedded = time.perf_counter() - start
    scores, seconds = solve_ours(task, settings, "transfer_learning")
    return scores, seconds | {"embed_s": embedded}


def solve_transfer_bundled(task: Task, settings: Settings) -> Outcome:
    """The same with the bundled preset."""
    return solve_transfer(task, settings | {"model": BUNDLED})


def solve_fine_tuning(task: Task, settings: Settings) -> Outcome:
    """The template `fine_tuning`."""
    return solve_ours(task, settings, "fine_tuning")


def solve_lora(task: Task, settings: Settings) -> Outcome:
    """The template `lora`."""
    return solve_ours(task, settings, "lora")


def solve_lora_all_dense(task: Task, settings: Settings) -> Outcome:
    """The template `lora` with adapters on all dense layers."""
    return solve_ours(task, settings, "lora", **ALL_DENSE)


FEW = ("transfer", "seed")
CONTENDERS = {
    one.name: one
    for one in (
        Contender("tfidf", FEW, solve_tfidf),
        Contender("tfidf-pairs", FEW, solve_tfidf_pairs),
        Contender("sentence-transformers", FEW, solve_sentence_transformers),
        Contender("ours-transfer", FEW, solve_transfer, keras=True),
        Contender("ours-transfer-bundled", FEW, solve_transfer_bundled, keras=True),
        Contender("trainer", ("fine-tuning",), solve_trainer),
        Contender("trainer-grouped", ("fine-tuning",), solve_trainer_grouped),
        Contender("ours-fine-tuning", ("fine-tuning",), solve_fine_tuning, keras=True),
        Contender("ours-lora", ("fine-tuning",), solve_lora, keras=True),
        Contender("ours-lora-all-dense", ("fine-tuning",), solve_lora_all_dense, keras=True),
    )
}
