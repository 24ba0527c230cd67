"""Templates: named, documented sets of training hyperparameters, with YAML in and out.

A template holds the parameters of a training, and nothing of the data or the model. `train`
uses it. The file is long because every parameter is declared with its range and its meaning.
"""

from __future__ import annotations

import dataclasses
import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from keras_textcls.errors import ArgumentError, did_you_mean, shorten
from keras_textcls.training.parameters import Parameter, parameter, parameters_of
from keras_textcls.utils.atomic import replace_file
from keras_textcls.utils.paths import read_path

# Further keys of a YAML file: what a run was trained with.
_BESIDE = ("preset", "resume_from", "dataset", "validation")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Template:
    """The base class of all templates.

    Values are checked when a template is created. A template is immutable;
    `dataclasses.replace` returns a changed copy.
    """

    name: ClassVar[str] = ""

    sequence_length: int | None = parameter(
        "int",
        None,
        "Tokens of the longest sequence that the backbone reads; None keeps the preset's.",
        low=8,
        or_none=True,
    )
    multi_label: bool | None = parameter(
        "bool",
        None,
        "Whether a text may have any number of labels; None is determined from the data.",
        or_none=True,
    )
    class_weight: str | None = parameter(
        "str",
        None,
        "Weight of the labels in the loss: balanced gives rare labels more; not for multi-label.",
        choices=("balanced",),
        or_none=True,
    )
    select_labels: tuple[str, ...] | None = parameter(
        "strings",
        None,
        "The only labels that `classify` may return, of all that were trained; None for all.",
        or_none=True,
    )
    min_score: float = parameter(
        "float", 0.0, "Lowest probability of a label that `classify` returns.", low=0, high=1
    )
    max_labels: int | None = parameter(
        "int", None, "Maximum number of labels that `classify` returns.", low=1, or_none=True
    )
    seed: int = parameter(
        "int", 0, "Random seed of initial weights, order, split and dropout.", low=0, below=2**31
    )

    def __post_init__(self) -> None:
        for name, described in parameters_of(self).items():
            object.__setattr__(self, name, described.read(getattr(self, name), self.name))

    @classmethod
    def parameters(cls) -> dict[str, Parameter]:
        """Return every `Parameter` by name: type, default, range, meaning."""
        return parameters_of(cls)

    def to_dict(self) -> dict[str, Any]:
        """Return the values of all parameters, ready for JSON."""
        values = dataclasses.asdict(self)
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    def to_yaml(self, path: str | os.PathLike[str] | None = None, **beside: Any) -> str:
        """Write the template as YAML, each parameter with its meaning.

        Args:
            path: string or path, the file to write, or `None`. Defaults to
                `None`, no file.
            **beside: `preset` or `resume_from`, `dataset` and `validation`, what a run
                was trained with, for readers of the file.

        Returns:
            The YAML, a string.

        Example:
        >>> print(template("lora", epochs=2).to_yaml().splitlines()[0])
        template: lora
        """
        import yaml

        lines = [yaml.safe_dump({"template": self.name, **beside}, sort_keys=False).rstrip()]
        lines.append("parameters:")
        described = self.parameters()
        for name, value in self.to_dict().items():
            lines += [f"  # {line}" for line in textwrap.wrap(described[name].meaning, 90)]
            lines.append(textwrap.indent(yaml.safe_dump({name: value}).rstrip(), "  "))
        text = "\n".join(lines) + "\n"
        if path is not None:
            with replace_file(read_path(path, "path")) as draft:
                draft.write_text(text, encoding="utf-8")
        return text

    @staticmethod
    def from_yaml(source: str | os.PathLike[str]) -> Template:
        """Read a template from YAML.

        Args:
            source: path of a YAML file, or the YAML itself (a string with a
                line break).

        Returns:
            A `Template` of the kind that the file names.

        Raises:
            ArgumentError: the file is missing or not YAML, or it has an unknown key,
                template or parameter.
        """
        return read_yaml(source)[0]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TransferLearning(Template):
    """Frozen backbone: embed every text once, solve the head to its optimum. Seconds."""

    name: ClassVar[str] = "transfer_learning"

    head: str = parameter(
        "str",
        "linear",
        "Logistic regression, or one hidden layer before it.",
        choices=("linear", "hidden"),
    )
    hidden_dim: int = parameter("int", 128, 'Width of the hidden layer of head="hidden".', low=1)
    pooling: str = parameter(
        "str",
        "auto",
        "How the hidden states of a text become one vector; auto is the pooling that the preset "
        "was made with, or the mean.",
        choices=("auto", "pooler", "cls", "mean", "max", "last"),
    )
    normalize: bool | None = parameter(
        "bool",
        None,
        "Whether embeddings are scaled to length 1; None decides by cross-validation, and is True "
        "for fewer than 200 texts or more than 50 labels.",
        or_none=True,
    )
    strengths: tuple[float, ...] | None = parameter(
        "floats",
        None,
        "Strengths of the regularization to choose from; None for a grid.",
        above=0,
        or_none=True,
    )
    folds: int | None = parameter(
        "int",
        None,
        "Folds of the stratified cross-validation that chooses; None for 5, and 3 with more than "
        "50 labels.",
        low=2,
        high=20,
        or_none=True,
    )
    long_texts: str = parameter(
        "str",
        "chunk",
        "Split texts longer than the sequence into chunks and average them, or truncate them.",
        choices=("chunk", "truncate"),
    )
    piece_length: int | None = parameter(
        "int",
        None,
        "Tokens of a chunk of a long text; None compares chunks of 32 with those of the preset's "
        "length by cross-validation, if a twentieth of the texts is longer than that.",
        low=8,
        or_none=True,
    )
    enrich: str = parameter(
        "str",
        "auto",
        "Add neutral sentences as negatives of every label: for small multi-label data, or never.",
        choices=("auto", "disabled"),
    )
    cache: bool = parameter("bool", True, "Keep embeddings on disk, for the next run on the texts.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class GradientTraining(Template):
    """The base class of the templates that train by gradient descent."""

    epochs: int = parameter("int", 3, "Passes over the training texts.", low=1)
    batch_size: int = parameter("int", 32, "Number of texts in a batch.", low=1)
    auto_batch_size: bool = parameter(
        "bool", True, "Halve the batch size and accumulate gradients if memory runs out."
    )
    learning_rate: float = parameter("float", 5e-5, "Highest learning rate.", above=0, high=1)
    warmup_share: float = parameter(
        "float", 0.1, "Share of the steps in which the learning rate increases.", low=0, below=1
    )
    weight_decay: float = parameter(
        "float", 0.01, "Of AdamW, on all weights but biases and norms.", low=0, high=1
    )
    clip_norm: float | None = parameter(
        "float", 1.0, "Norm to which all gradients together are clipped.", above=0, or_none=True
    )
    dropout: float | None = parameter(
        "float",
        None,
        "Dropout rate of backbone and head; None keeps the preset's.",
        low=0,
        below=1,
        or_none=True,
    )
    head_start: str = parameter(
        "str",
        "solved",
        "First weights of the head: logistic regression on the frozen backbone, or random.",
        choices=("solved", "random"),
    )
    mixed_precision: str | None = parameter(
        "str",
        None,
        "Half-precision computation; faster on a GPU.",
        choices=("bfloat16", "float16"),
        or_none=True,
    )
    gradient_accumulation: int = parameter(
        "int", 1, "Batches whose gradients are averaged for one step.", low=1
    )
    label_smoothing: float = parameter(
        "float", 0.0, "Probability mass moved to the other labels.", low=0, below=1
    )
    validation_share: float = parameter(
        "float",
        0.1,
        "Share of the texts that are held out, stratified, for early stopping.",
        low=0,
        below=1,
    )
    patience: int | None = parameter(
        "int",
        2,
        "Epochs without a better validation loss before training stops; None never stops.",
        low=1,
        or_none=True,
    )
    monitor: str = parameter(
        "str",
        "val_loss",
        "The metric that determines the best epoch, whose weights are kept.",
        choices=("val_loss", "val_accuracy"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTuning(GradientTraining):
    """Train all weights: AdamW, warm-up, linear decay, early stopping on a held-out part."""

    name: ClassVar[str] = "fine_tuning"

    layer_decay: float = parameter(
        "float",
        1.0,
        "Factor on the learning rate from each layer to the one below it.",
        above=0,
        high=1,
    )
    frozen_layers: int = parameter("int", 0, "Number of lowest layers that are frozen.", low=0)
    freeze_embeddings: bool = parameter("bool", False, "Whether embeddings are frozen.")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lora(GradientTraining):
    """Low-rank adapters on a frozen backbone: a megabyte of weights a model."""

    name: ClassVar[str] = "lora"

    learning_rate: float = parameter(
        "float",
        1e-3,
        "Highest learning rate. The best value depends on the data: with MiniLM 3e-3 was better "
        "on two data sets, and too high on a third.",
        above=0,
        high=1,
    )
    weight_decay: float = parameter(
        "float", 0.0, "Of AdamW, on all weights but biases and norms.", low=0, high=1
    )
    rank: int = parameter("int", 16, "Rank of each adapter.", low=1)
    alpha: float = parameter("float", 16.0, "Adapters are scaled by alpha / rank.", above=0)
    lora_dropout: float = parameter(
        "float", 0.1, "Dropout rate before each adapter.", low=0, below=1
    )
    targets: tuple[str, ...] = parameter(
        "strings",
        ("attention",),
        'Layers with an adapter: "attention", "all-linear", or patterns of layer paths.',
    )
    save: str = parameter(
        "str",
        "merged",
        "Save an ordinary preset, or the adapters alone, beside the name of their base.",
        choices=("merged", "adapter"),
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class TextToTextLora(Lora):
    """Low-rank adapters on a causal language model that answers in label names."""

    name: ClassVar[str] = "text_to_text_lora"

    epochs: int = parameter("int", 1, "Passes over the training texts.", low=1)
    learning_rate: float = parameter("float", 2e-4, "Highest learning rate.", above=0, high=1)
    sequence_length: int | None = parameter(
        "int",
        512,
        "Maximum number of tokens of a prompt and its answer, to which long texts are truncated; "
        "None keeps the preset's.",
        low=16,
        or_none=True,
    )
    head_start: str = parameter(
        "str", "random", "A language model has no head to solve.", choices=("random",)
    )
    label_smoothing: float = parameter("float", 0.0, "Not used for language models.", low=0, high=0)
    instruction: str | None = parameter(
        "str",
        None,
        "The instruction of the prompt, with {labels} for the answers to choose from; None for "
        "the default instruction, or that of the run in `resume_from`.",
        or_none=True,
    )
    turn: str | None = parameter(
        "str",
        None,
        "The form of a text and its answer in the prompt, with {text}, and {answer} at its end; "
        "None as for the instruction.",
        or_none=True,
    )


_TEMPLATES: dict[str, type[Template]] = {
    kind.name: kind for kind in (TransferLearning, FineTuning, Lora, TextToTextLora)
}
DEFAULT_TEMPLATE = TransferLearning.name


class TemplateCatalogue(Mapping[str, type[Template]]):
    """All templates by name; `print` shows them as a table."""

    def __getitem__(self, name: str) -> type[Template]:
        if name not in _TEMPLATES:
            raise KeyError(name)
        return _TEMPLATES[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_TEMPLATES)

    def __len__(self) -> int:
        return len(_TEMPLATES)

    def __repr__(self) -> str:
        return "\n".join(f"{name:18} {summary(kind)}" for name, kind in self.items())


def templates() -> TemplateCatalogue:
    """List the templates.

    Returns:
        A mapping from name to the class of the template. Its method `parameters()`
        describes each parameter.

    Example:
    >>> list(templates())
    ['transfer_learning', 'fine_tuning', 'lora', 'text_to_text_lora']
    >>> templates()["lora"].parameters()["rank"].default
    16
    """
    return TemplateCatalogue()


def template(name: str, **parameters: Any) -> Any:
    """Create a template by name.

    Args:
        name: string, one of `templates()`.
        **parameters: parameters that differ from their defaults.

    Returns:
        A frozen `Template`.

    Raises:
        ArgumentError: there is no such template or parameter (the message names
            the most similar one), or a value is out of range.

    Example:
    >>> template("fine_tuning", epochs=5).epochs
    5
    """
    kind = _TEMPLATES.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ArgumentError(
            f"There is no template {shorten(name)}.{did_you_mean(str(name), _TEMPLATES)} The "
            f"templates are {', '.join(_TEMPLATES)}."
        )
    known = kind.parameters()
    for given in parameters:
        if given not in known:
            raise ArgumentError(
                f"The template {name!r} has no parameter {given!r}.{did_you_mean(given, known)} "
                f"It has {', '.join(known)}."
            )
    return kind(**parameters)


def from_text(name: str, parameters: Mapping[str, Any]) -> Any:
    """Create a template from values of YAML or of the command line.

    Args:
        name: string, one of `templates()`.
        parameters: mapping from name to value; numbers may be strings.

    Returns:
        A frozen `Template`.
    """
    known = _TEMPLATES[name].parameters() if name in _TEMPLATES else {}
    read = {k: known[k].from_text(v) if k in known else v for k, v in parameters.items()}
    return template(name, **read)


def read_yaml(source: str | os.PathLike[str]) -> tuple[Template, dict[str, Any]]:
    """Read a template and the other keys of its file; see `Template.from_yaml`.

    Args:
        source: path of a YAML file, or the YAML itself.

    Returns:
        A tuple of the `Template` and a dict that may hold `preset`,
        `resume_from`, `dataset` and `validation`.
    """
    import yaml

    if not isinstance(source, (str, os.PathLike)):
        raise ArgumentError(
            "`source` must be the path of a YAML file, or YAML. Received: source="
            f"{shorten(source)}."
        )
    where, text = "The YAML", os.fspath(source)
    if "\n" not in text:
        where = text
        try:
            if os.path.exists(text) and not os.path.isfile(text):
                raise OSError("it is a directory, a pipe or a device")  # A pipe is waited for.
            text = Path(text).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise ArgumentError(f"The template {where!r} cannot be read: {error}.") from error
    try:
        contents = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ArgumentError(f"{where} is no YAML: {' '.join(str(error).split())}.") from error
    if not isinstance(contents, dict) or not isinstance(contents.get("template"), str):
        raise ArgumentError(
            f"{where} must hold `template: NAME`, and `parameters:` with one a line. Received "
            f"{shorten(contents)}."
        )
    known = ("template", "parameters", *_BESIDE)
    for key in contents:
        if key not in known:
            raise ArgumentError(
                f"{where} has an unknown key {shorten(key)}.{did_you_mean(str(key), known)} The "
                f"keys are {', '.join(known)}."
            )
    parameters = contents.get("parameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(k, str) for k in parameters):
        raise ArgumentError(
            f"`parameters` of {where} must be a mapping. Received {shorten(parameters)}."
        )
    beside = {key: contents[key] for key in _BESIDE if key in contents}
    for key in ("preset", "resume_from"):
        if not isinstance(beside.get(key, ""), str):
            raise ArgumentError(
                f"`{key}` of {where} must be a string. Received {shorten(beside[key])}."
            )
    return from_text(contents["template"], parameters), beside


def summary(kind: type[Template]) -> str:
    """Return the first line of a template's documentation."""
    return (kind.__doc__ or "").strip().split("\n")[0]
