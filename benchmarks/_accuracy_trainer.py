"""Hugging Face's Trainer as a contender of the accuracy benchmark."""

from __future__ import annotations

import tempfile
import time
from typing import Any

import numpy as np
from _accuracy_tasks import Examples, Task

LONGEST = 128
WARM_UP = 0.1
WEIGHT_DECAY = 0.01
LARGEST_GRADIENT = 1.0
TEST_BATCH = 64


def load(model: str, task: Task, seed: int) -> tuple[Any, Any]:
    """The tokenizer, and the weights of the folder under a head drawn with the seed."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.manual_seed(seed)
    kind = "multi_label_classification" if task.multi_label else "single_label_classification"
    classifier = AutoModelForSequenceClassification.from_pretrained(
        model, num_labels=len(task.names), dtype=torch.float32, problem_type=kind
    )
    return AutoTokenizer.from_pretrained(model), classifier


def rows(tokenizer: Any, task: Task, examples: Examples) -> list[dict[str, Any]]:
    """Token ids and targets of each text, not padded."""
    ids = tokenizer(examples.texts, truncation=True, max_length=LONGEST)["input_ids"]
    targets = task.targets(examples)
    labels = targets.astype("float32").tolist() if task.multi_label else targets.tolist()
    return [
        {"input_ids": one, "attention_mask": [1] * len(one), "labels": label}
        for one, label in zip(ids, labels, strict=True)
    ]


def arguments(folder: str, settings: dict[str, Any], grouped: bool) -> Any:
    """AdamW with warm-up, linear decay, weight decay and clipping; float32 on the processor."""
    from transformers import TrainingArguments

    return TrainingArguments(
        output_dir=folder,
        num_train_epochs=settings["epochs"],
        learning_rate=settings["learning_rate"],
        per_device_train_batch_size=settings["batch_size"],
        per_device_eval_batch_size=TEST_BATCH,
        lr_scheduler_type="linear",
        warmup_steps=WARM_UP,
        weight_decay=WEIGHT_DECAY,
        max_grad_norm=LARGEST_GRADIENT,
        seed=settings["seed"],
        train_sampling_strategy="group_by_length" if grouped else "random",
        eval_strategy="no",
        save_strategy="no",
        logging_strategy="epoch",
        report_to="none",
        disable_tqdm=True,
        use_cpu=True,
        dataloader_pin_memory=False,
    )


def fine_tune(task: Task, settings: dict[str, Any], grouped: bool) -> tuple[Any, dict[str, Any]]:
    """Train on strings; return the probabilities of the test texts and the seconds."""
    from transformers import DataCollatorWithPadding, Trainer

    tokenizer, classifier = load(settings["model"], task, settings["seed"])
    start = time.perf_counter()
    train = rows(tokenizer, task, task.train)
    with tempfile.TemporaryDirectory() as folder:
        trainer: Any = Trainer(
            model=classifier,
            args=arguments(folder, settings, grouped),
            train_dataset=train,
            data_collator=DataCollatorWithPadding(tokenizer),
        )
        trainer.train()
        seconds = time.perf_counter() - start
        # It would group the texts that it predicts, too, and return them in that order.
        trainer.args.train_sampling_strategy = "random"
        logits = trainer.predict(rows(tokenizer, task, task.test)).predictions
    return probabilities(logits, task.multi_label), {"train_s": seconds}


def probabilities(logits: np.ndarray, multi_label: bool) -> np.ndarray:
    """The sigmoid of each logit, or the softmax of each row."""
    from scipy.special import expit, softmax

    return np.asarray(expit(logits) if multi_label else softmax(logits, axis=1))
