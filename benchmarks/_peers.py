"""The contenders of the throughput benchmark: how each is built and called.

A builder loads the model and returns a ``Runner``. Its ``run`` takes raw texts and, for
training, their label names, and does all the work of a user's call, tokenization included.
Libraries are imported inside the builders only, since a contender has a process to itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

BACKENDS = ("tensorflow", "jax", "torch")
FIT_BATCH = 16
PREDICT_BATCH = 32
LEARNING_RATE = 5e-5
MODEL_LIMIT = 512

Run = Callable[[list[str], list[str]], Any]


class Runner(NamedTuple):
    """A loaded contender: its call and how many tokens of a text it looks at."""

    run: Run
    limit: int = MODEL_LIMIT


class Contender(NamedTuple):
    """A contender by name. ``slow`` ones are measured on few rows, of one fixed shape."""

    name: str
    task: str
    family: str
    build: Callable[[str, Path, list[str]], Runner]
    backend: str | None = None
    slow: bool = False


def build_keras_hub(task: str, model: Path, names: list[str]) -> Runner:
    """Keras Hub's BertTextClassifier with its defaults: every text padded to 512 tokens."""
    import keras_hub
    import numpy as np

    preprocessor = keras_hub.models.BertTextClassifierPreprocessor(
        keras_hub.models.BertTokenizer.from_preset(str(model))
    )
    classifier = keras_hub.models.BertTextClassifier(
        backbone=keras_hub.models.Backbone.from_preset(str(model)),
        num_classes=len(names),
        preprocessor=preprocessor,
    )
    index = {name: number for number, name in enumerate(names)}

    def predict(texts: list[str], _: list[str]) -> Any:
        return classifier.predict(np.array(texts), verbose=0)

    def fit(texts: list[str], labels: list[str]) -> Any:
        targets = np.array([index[label] for label in labels])
        return classifier.fit(np.array(texts), targets, batch_size=FIT_BATCH, epochs=1, verbose=0)

    return Runner(fit if task == "fit" else predict, preprocessor.sequence_length)


def build_ours(task: str, model: Path, names: list[str]) -> Runner:
    """This project's classifier with its defaults."""
    import keras_textcls

    classifier = keras_textcls.TextClassifier.from_preset(str(model), labels=names)

    def predict(texts: list[str], _: list[str]) -> Any:
        return classifier.predict(texts)

    def fit(texts: list[str], labels: list[str]) -> Any:
        return classifier.fit(texts, labels, batch_size=FIT_BATCH, epochs=1, verbose=0)

    preprocessor = getattr(classifier, "preprocessor", None)
    limit = getattr(preprocessor, "sequence_length", None) or MODEL_LIMIT
    return Runner(fit if task == "fit" else predict, limit)


def load_transformers(model: Path, names: list[str]) -> tuple[Any, Any]:
    """The tokenizer and a float32 sequence classifier with a fresh head."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(0)
    classifier = AutoModelForSequenceClassification.from_pretrained(
        str(model), num_labels=len(names), dtype=torch.float32
    )
    return AutoTokenizer.from_pretrained(str(model)), classifier


def build_pipeline(task: str, model: Path, names: list[str]) -> Runner:
    """The text-classification pipeline of transformers, all class scores returned."""
    from transformers import pipeline

    tokenizer, classifier = load_transformers(model, names)
    classify = pipeline(
        "text-classification", model=classifier, tokenizer=tokenizer, device="cpu", top_k=None
    )

    def predict(texts: list[str], _: list[str]) -> Any:
        return classify(texts, batch_size=PREDICT_BATCH, truncation=True)

    return Runner(predict, tokenizer.model_max_length)


def build_sentence_transformers(task: str, model: Path, names: list[str]) -> Runner:
    """Embeddings by sentence-transformers, which sorts the texts by length itself."""
    from sentence_transformers import SentenceTransformer

    encoder = SentenceTransformer(str(model), device="cpu")

    def predict(texts: list[str], _: list[str]) -> Any:
        return encoder.encode(texts, batch_size=PREDICT_BATCH, show_progress_bar=False)

    return Runner(predict, encoder.max_seq_length or MODEL_LIMIT)


def training_arguments(folder: str, grouped: bool) -> Any:
    """Arguments of one epoch by the Trainer: no evaluation, saving, logging or reports."""
    import dataclasses

    from transformers import TrainingArguments

    known = {field.name for field in dataclasses.fields(TrainingArguments)}
    grouping: dict[str, Any] = {"group_by_length": True}
    if "train_sampling_strategy" in known:  # transformers 5
        grouping = {"train_sampling_strategy": "group_by_length"}
    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=1,
        per_device_train_batch_size=FIT_BATCH,
        learning_rate=LEARNING_RATE,
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
        **(grouping if grouped else {}),
    )


def build_trainer(task: str, model: Path, names: list[str], grouped: bool = False) -> Runner:
    """The Hugging Face Trainer, each batch padded to its longest text."""
    from transformers import DataCollatorWithPadding, Trainer

    tokenizer, classifier = load_transformers(model, names)
    index = {name: number for number, name in enumerate(names)}

    def fit(texts: list[str], labels: list[str]) -> Any:
        tokens = tokenizer(texts, truncation=True)["input_ids"]
        rows = [
            {"input_ids": ids, "attention_mask": [1] * len(ids), "labels": index[label]}
            for ids, label in zip(tokens, labels, strict=True)
        ]
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(
                model=classifier,
                args=training_arguments(folder, grouped),
                train_dataset=rows,
                data_collator=DataCollatorWithPadding(tokenizer),
            )
            return trainer.train()

    return Runner(fit, tokenizer.model_max_length)


def build_grouped_trainer(task: str, model: Path, names: list[str]) -> Runner:
    """The Hugging Face Trainer with its own grouping of texts of like length."""
    return build_trainer(task, model, names, grouped=True)


def all_contenders() -> list[Contender]:
    """Every contender, in the order of the report."""
    contenders = []
    for task in ("predict", "fit"):
        for backend in BACKENDS:
            name = f"keras-hub-{backend}"
            contenders.append(
                Contender(name, task, "keras-hub", build_keras_hub, backend, slow=True)
            )
        contenders += PEERS[task]
        for backend in BACKENDS:
            name = f"keras-textcls-{backend}"
            contenders.append(Contender(name, task, "keras-textcls", build_ours, backend))
    return contenders


PEERS = {
    "predict": [
        Contender("transformers-pipeline", "predict", "transformers", build_pipeline),
        Contender("sentence-transformers", "predict", "transformers", build_sentence_transformers),
    ],
    "fit": [
        Contender("trainer-padding", "fit", "transformers", build_trainer),
        Contender("trainer-grouped", "fit", "transformers", build_grouped_trainer),
    ],
}
