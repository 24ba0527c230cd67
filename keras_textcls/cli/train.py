"""`keras-textcls train`: trains a classifier on a file of labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from keras_textcls.cli.reading import Command, read_source, reads_a_file
from keras_textcls.cli.runs import report_run
from keras_textcls.errors import ArgumentError

# Strings that YAML reads as null.
_NONE = ("", "~", "null", "Null", "NULL")


def chooses_a_template(command: Command) -> Command:
    """Give a command the options --preset, --template and --set."""
    for option in (
        click.option(
            "--set",
            "settings",
            multiple=True,
            metavar="NAME=VALUE",
            help="A parameter of the template; any number of times.",
        ),
        click.option(
            "--template",
            "template_name",
            help="transfer_learning (if not given), fine_tuning, lora or text_to_text_lora.",
        ),
        click.option("--preset", help="Preset to train; the bundled encoder if not given."),
    ):
        command = option(command)
    return command


@click.command("train")
@reads_a_file
@chooses_a_template
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="YAML of a template, such as a run's run.yaml.",
)
@click.option("--output", default="runs", show_default=True, help="Directory of the runs.")
@click.option("--name", default="classifier", show_default=True, help="Name of the model.")
@click.option("--validation", help="File to choose the best epoch on; else a share of SOURCE.")
@click.option("--resume", is_flag=True, help="Continue the newest version if it is not trained.")
@click.option("--resume-from", help="NAME or NAME/VERSION whose training continues on new texts.")
@click.option("--tensorboard", is_flag=True, help="Write events for TensorBoard.")
@click.option("--quiet", is_flag=True, help="Show nothing but the result.")
def train_command(
    source: str,
    preset: str | None,
    template_name: str | None,
    settings: tuple[str, ...],
    config: Path | None,
    output: str,
    name: str,
    validation: str | None,
    resume: bool,
    resume_from: str | None,
    tensorboard: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a classifier on SOURCE as the next version of a model in OUTPUT/NAME.

    After a kill, the same command with --resume continues the run.
    """
    template, beside = read_template(template_name, settings, config)
    dataset = read_source(source, options)
    held = read_source(validation, {**options, "invalid_rows": None}) if validation else None
    from keras_textcls.training.train import train

    if preset is None and resume_from is None:
        preset, resume_from = beside.get("preset"), beside.get("resume_from")
    for name_of, given in (("dataset", dataset), ("validation", held)):
        _tell_if_other(name_of, given, beside)
    run = train(
        dataset,
        preset,
        template,
        output,
        name,
        validation_data=held,
        resume=resume,
        resume_from=resume_from,
        tensorboard=tensorboard,
        verbose=0 if quiet else "auto",
    )
    report_run(run)


def read_template(
    name: str | None, settings: tuple[str, ...], config: Path | None
) -> tuple[Any, dict[str, Any]]:
    """Return the template of the options, and the other keys of the file."""
    from keras_textcls.training.templates import (
        DEFAULT_TEMPLATE,
        from_text,
        read_yaml,
        templates,
    )

    values: dict[str, Any] = {}
    beside: dict[str, Any] = {}
    if config is not None:
        read, beside = read_yaml(config)
        if name not in (None, read.name):
            raise ArgumentError(
                f"`--template {name}` and `--config {config}` contradict each other: the file is "
                f"of the template {read.name!r}. Leave one of them out."
            )
        name, values = read.name, read.to_dict()
    name = name or DEFAULT_TEMPLATE
    known = templates().get(name)
    kinds = known.parameters() if known is not None else {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals:
            raise ArgumentError(f"`--set` takes NAME=VALUE. Received: {setting!r}.")
        values[key.strip()] = _value(value, kinds.get(key.strip()))
    return from_text(name, values), beside


def _value(text: str, kind: Any) -> Any:
    """Parse a value of the command line as YAML; values of string parameters stay strings."""
    import yaml

    is_text = kind is not None and kind.kind == "str"
    bare = text.strip()
    is_quoted = len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "'\""
    # To YAML, a text like "### Instruction: ..." is a comment.
    if is_text and not is_quoted and not (kind.or_none and bare in _NONE):
        return text
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        return text
    return text if is_text and not (value is None or isinstance(value, str)) else value


def _tell_if_other(name: str, given: Any, beside: dict[str, Any]) -> None:
    """Print a note if the texts are not those that a run.yaml was written for."""
    written = beside.get(name)
    fingerprint = None if given is None else given.fingerprint
    expected = written.get("fingerprint") if isinstance(written, dict) else None
    if written is not None and fingerprint != expected:
        click.echo(
            f"Note: the {name} of the --config file has the version {str(expected)[:12]}, this one "
            f"{fingerprint[:12] if fingerprint else 'is not given'}: the result will be another.",
            err=True,
        )
