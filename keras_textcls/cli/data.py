"""`keras-textcls data`: inspect, check, convert and split files of labelled texts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keras_textcls.cli.reading import read_source, reads_a_file

if TYPE_CHECKING:
    from keras_textcls.data.text_dataset import TextDataset


@click.group("data")
def data_group() -> None:
    """Inspect, check, convert and split labelled texts.

    SOURCE is a CSV, TSV, JSON, Parquet, Arrow or Excel file, plain or compressed,
    a folder with a sub-folder of .txt files for each label, a saved dataset, or
    tfds:NAME.
    """


@data_group.command("inspect")
@reads_a_file
@click.option("--preset", help="Count tokens as this preset would.")
def inspect_command(source: str, preset: str | None, **options: Any) -> None:
    """Show the contents of SOURCE: how it was read, counts, lengths, first rows."""
    from keras_textcls.data.formats.annotation_tools.agreement import DETAIL

    dataset = read_source(source, options)
    for name, value in dataset.details.items():
        # The statistics show it in words.
        if name != DETAIL:
            click.echo(f"{name}: {value}")
    click.echo(str(dataset.stats(preset)))
    click.echo(repr(dataset))
    if dataset.invalid_rows:
        click.echo(repr(dataset.invalid_rows))


@data_group.command("check")
@reads_a_file
@click.option("--against", help="Another file that must share no text, such as the test set.")
@click.option("--preset", help="Count tokens as this preset would.")
def check_command(source: str, against: str | None, preset: str | None, **options: Any) -> None:
    """Check SOURCE for problems of training and evaluation.

    The exit code is 1 if one of the findings is an error.
    """
    dataset = read_source(source, options)
    other = read_source(against, {**options, "invalid_rows": None}) if against else None
    report = dataset.check(other, preset)
    click.echo(repr(report))
    if dataset.invalid_rows:
        click.echo(repr(dataset.invalid_rows))
    if any(finding.level == "error" for finding in report):
        raise click.exceptions.Exit(1)


@data_group.command("convert")
@reads_a_file
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--to", "form", default="auto", show_default=True,
              help="csv, tsv, jsonl, parquet, portal, sdk, instruction, fasttext, doccano, "
              "label_studio, or dataset (a directory)."
              )  # fmt: skip
@click.option("--instruction",
              help="The instruction before the texts in the instruction form; {labels} in it is "
              "replaced by the labels in braces.")  # fmt: skip
def convert_command(
    source: str, target: Path, form: str, instruction: str | None, **options: Any
) -> None:
    """Read SOURCE and write TARGET in another form."""
    dataset = read_source(source, options)
    is_directory = form == "dataset" or (form == "auto" and not target.suffix)
    # With an instruction, `write` says which form it goes with.
    if is_directory and instruction is None:
        dataset.save(target)
    else:
        dataset.write(target, form, instruction)
    _report(dataset, target)


@data_group.command("split")
@reads_a_file
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--train", type=float, default=0.8, show_default=True)
@click.option("--validation", type=float, default=0.1, show_default=True)
@click.option("--test", type=float, default=0.1, show_default=True)
@click.option("--stratify/--no-stratify", default=True, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--to", "form", default="csv", show_default=True,
              help="csv, tsv, jsonl, parquet, portal, sdk, instruction, fasttext, doccano or "
              "label_studio.")  # fmt: skip
def split_command(
    source: str,
    target: Path,
    train: float,
    validation: float,
    test: float,
    stratify: bool,
    seed: int,
    form: str,
    **options: Any,
) -> None:
    """Split SOURCE into train, validation and test files in the folder TARGET."""
    dataset = read_source(source, options)
    parts = dataset.split(train, validation, test, stratify=stratify, seed=seed)
    suffixes = {"doccano": "jsonl", "fasttext": "txt", "label_studio": "json"}
    suffix = form if form in ("tsv", "jsonl", "parquet") else suffixes.get(form, "csv")
    for name, part in parts._asdict().items():
        if part is not None:
            _report(part, part.write(target / f"{name}.{suffix}", form))


def _report(dataset: TextDataset, target: Path) -> None:
    invalid = f", {len(dataset.invalid_rows):,} could not be used" if dataset.invalid_rows else ""
    click.echo(f"{target}: {len(dataset):,} texts{invalid}, version {dataset.fingerprint[:12]}")
