"""The templates `fine_tuning` and `lora`: AdamW over the batches of `TextClassifier.fit`."""

from __future__ import annotations

import gc
import math
from typing import Any

import keras

from keras_textcls.adapters.targets import find_targets
from keras_textcls.data.text_dataset import TextDataset
from keras_textcls.errors import ArgumentError, RunError
from keras_textcls.execution.backend_policy import reseed_dropout
from keras_textcls.keras_compat.layers import all_layers, unlocked
from keras_textcls.optimization.layerwise_adam import LayerwiseAdamW
from keras_textcls.optimization.masked import MaskedBinaryCrossentropy
from keras_textcls.optimization.schedules import WarmupLinearDecay
from keras_textcls.optimization.smoothing import SmoothedSparseCategoricalCrossentropy
from keras_textcls.text_to_text.text_to_text_classifier import Classifier
from keras_textcls.training.preparation import hold_out
from keras_textcls.training.run_folders.checkpoint import CheckpointStore, Progress, write_weights
from keras_textcls.training.templates import FineTuning, GradientTraining, Lora
from keras_textcls.training.trainers.callbacks import (
    Checkpointing,
    EpochLines,
    StopRequest,
    restore_best,
    stop_on_interrupt,
    write_history,
)
from keras_textcls.training.trainers.depth import check_frozen, freeze, learning_rate_factors
from keras_textcls.training.trainers.job import Job, Outcome
from keras_textcls.training.trainers.transfer_learning import start_head

_UNDECAYED = ("bias", "gamma", "beta", "scale")


def fine_tune(job: Job) -> Outcome:
    """Train the weights of a classifier; see `FineTuning` and `Lora`.

    A training with a checkpoint continues from there. If memory runs out, the training
    starts again with batches of half the size, and twice as many batches for each step.

    Args:
        job: `Job` whose template is a `GradientTraining`.

    Returns:
        An `Outcome`.

    Raises:
        RunError: the loss is not finite, or memory runs out with one text in a
            batch.
    """
    store = CheckpointStore(job.run.checkpoint)
    progress, state = store.load() or (Progress(batch_size=job.template.batch_size), None)
    train, validation = training_parts(job)
    classifier: Any = None
    while True:
        try:
            classifier = prepare(job, train, progress, is_new=state is None)
            if not progress.finished:
                progress = _fit(job, classifier, train, validation, store, progress, state)
            elif state is not None:
                write_weights(classifier, state)
            break
        except _memory_errors() as error:
            if isinstance(error, RunError) or not _is_out_of_memory(error):
                raise
            progress, state = _smaller(job, progress, error, len(train)), None
            store.clear()
        # Its memory is freed before the next classifier is made.
        del classifier
        gc.collect()
    restore_best(classifier, store, progress)
    # Written again, in case the process was killed between the last checkpoint and its history.
    write_history(progress, job.run.directory)
    adapter_only = isinstance(job.template, Lora) and job.template.save == "adapter"
    return Outcome(classifier, _metrics(progress), adapter_only)


def training_parts(job: Job) -> tuple[TextDataset, TextDataset | None]:
    """Return the texts to train on and those to validate on.

    Args:
        job: `Job`.

    Returns:
        A tuple of the `TextDataset` to train on and the `TextDataset` to validate
        on, or `None` if there are too few texts.
    """
    share = job.template.validation_share
    if job.validation is not None or not share:
        return job.dataset, job.validation
    train, validation = hold_out(job.dataset, job.template)
    if validation is None:
        job.tell("No text is held out: there are too few. The last epoch's weights are kept.")
    return train, validation


def check_fit(classifier: Classifier, template: GradientTraining, num_texts: int) -> None:
    """Check that the template fits the model and the number of texts.

    Args:
        classifier: the classifier to train.
        template: `GradientTraining`.
        num_texts: int, number of texts to train on.

    Raises:
        ArgumentError: the layers of the template do not exist, or the training
            has less than one step.
    """
    if isinstance(template, Lora):
        find_targets(classifier.backbone, _targets(template))
    elif isinstance(template, FineTuning):
        check_frozen(classifier.backbone, template.frozen_layers)
    steps = math.ceil(num_texts / template.batch_size) * template.epochs
    if template.gradient_accumulation > steps:
        raise ArgumentError(
            f"`gradient_accumulation={template.gradient_accumulation}` is more than the {steps} "
            "batches of the whole training: no step would be made. Take a smaller one."
        )


def _targets(template: Lora) -> Any:
    return template.targets[0] if len(template.targets) == 1 else template.targets


def prepare(job: Job, train: TextDataset, progress: Progress, is_new: bool) -> Classifier:
    """Make the classifier and compile it with the parameters of the template.

    Args:
        job: `Job`.
        train: `TextDataset` to train on.
        progress: `Progress`, which holds the batch size.
        is_new: bool, whether this is the start of the training, at which the head
            is initialized.

    Returns:
        The classifier.
    """
    template: GradientTraining = job.template
    classifier = job.load()
    job.log(f"Texts are read up to {classifier.sequence_length} tokens.")
    if template.dropout is not None:
        set_dropout(classifier, template.dropout)
    if is_new and template.head_start == "solved" and job.run.record.resume_from is None:
        reason = start_head(classifier, train, template.seed)
        if reason is not None:
            job.log(f"The head starts at random: {reason}.")
    if isinstance(template, Lora):
        classifier.add_lora(
            rank=template.rank,
            alpha=template.alpha,
            dropout=template.lora_dropout,
            targets=_targets(template),
            seed=template.seed,
        )
    elif isinstance(template, FineTuning):
        freeze(classifier.backbone, template.frozen_layers, template.freeze_embeddings)
    # The weights change, so a calibration of the old weights is no longer valid.
    classifier.temperature, classifier.thresholds = 1.0, None
    classifier.vector_scaling = None
    steps = math.ceil(len(train) / progress.batch_size) * template.epochs
    classifier.compile(
        optimizer=_optimizer(template, classifier, steps, progress.batch_size, len(train)),
        loss=_loss(template, classifier),
    )
    return classifier


def _optimizer(
    template: GradientTraining,
    classifier: Classifier,
    steps: int,
    batch_size: int,
    num_texts: int,
) -> keras.optimizers.Optimizer:
    # If the batch size was reduced for lack of memory, a step still has as many texts.
    whole = min(template.batch_size, num_texts)
    accumulation = template.gradient_accumulation * math.ceil(whole / batch_size)
    accumulation = min(accumulation, steps)
    arguments: dict[str, Any] = {
        "learning_rate": WarmupLinearDecay(
            template.learning_rate, steps, round(template.warmup_share * steps)
        ),
        "weight_decay": template.weight_decay,
        "global_clipnorm": template.clip_norm,
        "gradient_accumulation_steps": accumulation if accumulation > 1 else None,
    }
    optimizer = keras.optimizers.AdamW(**arguments)
    if isinstance(template, FineTuning) and template.layer_decay < 1:
        factors = learning_rate_factors(classifier.backbone, template.layer_decay)
        optimizer = LayerwiseAdamW(factors=factors, **arguments)
    undecayed = [
        v for v in classifier.trainable_variables if v.name in _UNDECAYED or len(v.shape) < 2
    ]
    optimizer.exclude_from_weight_decay(var_list=undecayed)
    return optimizer


def _loss(template: GradientTraining, classifier: Classifier) -> Any:
    if not template.label_smoothing:
        return "auto"
    if classifier.multi_label:
        return MaskedBinaryCrossentropy(True, template.label_smoothing)
    return SmoothedSparseCategoricalCrossentropy(True, template.label_smoothing)


def _fit(
    job: Job,
    classifier: Classifier,
    train: TextDataset,
    validation: TextDataset | None,
    store: CheckpointStore,
    progress: Progress,
    state: Any,
) -> Progress:
    template: GradientTraining = job.template
    with stop_on_interrupt() as stop:
        while not progress.finished:
            if progress.epoch or progress.batch:
                job.log(f"from epoch {progress.epoch + 1}, batch {progress.batch + 1}")
            # The rest of an interrupted epoch is a separate call of `fit`.
            before = progress.epoch
            epochs = progress.epoch + 1 if progress.batch else template.epochs
            classifier.fit(
                train,
                validation_data=validation,
                batch_size=progress.batch_size,
                epochs=epochs,
                initial_epoch=progress.epoch,
                initial_batch=progress.batch,
                class_weight=template.class_weight,
                seed=template.seed,
                callbacks=_callbacks(job, classifier, store, progress, state, stop),
                verbose=int(job.verbose == 1),
            )
            progress, state = store.load() or (progress, None)
            if progress.epoch <= before and not progress.finished:
                raise RunError(f"The checkpoint in {store.directory} is of another training.")
    return progress


def _callbacks(
    job: Job,
    classifier: Classifier,
    store: CheckpointStore,
    progress: Progress,
    state: Any,
    stop: StopRequest,
) -> list[keras.callbacks.Callback]:
    template: GradientTraining = job.template
    is_loss = template.monitor == "val_loss"
    monitor = "val_loss" if is_loss else f"val_{classifier.accuracy_name}"
    callbacks = [
        Checkpointing(
            store,
            progress,
            state,
            epochs=template.epochs,
            seconds=job.checkpoint_seconds,
            monitor=monitor,
            patience=template.patience,
            stop=stop,
            directory=job.run.directory,
            advice=_advice(template),
        ),
        EpochLines(job.tell if job.verbose == 2 else job.log, template.epochs),
    ]
    if job.tensorboard:
        callbacks.append(keras.callbacks.TensorBoard(job.run.directory / "tensorboard"))
    return callbacks


def set_dropout(classifier: Classifier, rate: float) -> None:
    """Set the rate of every dropout layer of a classifier that is not trained yet.

    Args:
        classifier: a `TextClassifier`.
        rate: float in `[0, 1)`.
    """
    for layer in all_layers(classifier):
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = rate
            if rate and getattr(layer, "seed_generator", None) is None:
                # For a rate of 0, Keras creates no seed generator.
                with unlocked(layer):
                    layer.seed_generator = keras.random.SeedGenerator(0)
    reseed_dropout(classifier, 0)


def _advice(template: GradientTraining) -> str:
    precision = ' or mixed_precision="bfloat16"' if template.mixed_precision == "float16" else ""
    clip = "" if template.clip_norm else ", set clip_norm=1.0"
    return (
        f"Lower learning_rate (it was {template.learning_rate:g}){clip}{precision}. The checkpoint "
        "before it is kept."
    )


def _smaller(job: Job, progress: Progress, error: BaseException, num_texts: int) -> Progress:
    size = min(progress.batch_size, num_texts)
    if not job.template.auto_batch_size or size == 1:
        raise RunError(
            f"Memory ran out with batches of {size} texts. Take a smaller batch_size with a larger "
            "gradient_accumulation, a smaller sequence_length, or a smaller preset."
        ) from error
    job.tell(f"Memory ran out with batches of {size} texts: starting again with {(size + 1) // 2}.")
    return Progress(batch_size=(size + 1) // 2)


def _memory_errors() -> tuple[type[Exception], ...]:
    """Errors that may mean that memory ran out; in PyTorch and JAX a `RuntimeError`."""
    kinds: tuple[type[Exception], ...] = (MemoryError, RuntimeError)
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        kinds += (tf.errors.ResourceExhaustedError,)
    return kinds


def _is_out_of_memory(error: BaseException) -> bool:
    said = str(error).lower()
    return not isinstance(error, RuntimeError) or any(
        words in said
        for words in ("out of memory", "can't allocate memory", "resource_exhausted", "oom when")
    )


def _metrics(progress: Progress) -> dict[str, Any]:
    kept = progress.best_epoch if progress.best is not None else len(progress.history) - 1
    return {
        **progress.history[kept or 0],
        "epochs": len(progress.history),
        "batch_size": progress.batch_size,
        "seconds": round(progress.seconds, 3),
    }
