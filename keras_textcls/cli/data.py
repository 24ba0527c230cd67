"""`keras-textcls data`: look at, check, convert and split files of labelled texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keras_textcls.errors import InvalidDataError

if TYPE_CHECKING:
    from keras_textcls.data.text_dataset import TextDataset

_Command = TypeVar("_Command", bound=Callable[..., Any])
_READING = (
    click.option("--text", help="Column of the texts."),
    click.option("--label", multiple=True, help="Column of the labels; several for 0/1 columns."),
    click.option("--text-pair", help="Column of the second texts."),
    click.option("--id", help="Column of the identifiers."),
    click.option("--split", help="Column that names the part."),
    click.option("--labels", help="Names of the labels in their order, with commas between."),
    click.option("--label-separator", help="What stands between labels in one cell, such as '|'."),
    click.option("--multi-label/--single-label", default=None, help="Any number of labels a text."),
    click.option("--keep-unlabelled", is_flag=True, help="Keep texts without a label."),
    click.option("--metadata", is_flag=True, help="Keep all other columns as metadata."),
    click.option("--format", "format_", help="csv, tsv, json, parquet, arrow or excel."),
    click.option("--encoding", default="auto", show_default=True),
    click.option("--delimiter", help="One character; tab is written \\t."),
    click.option("--quote", default="auto", help="One character, or none. Told by what fits."),
    click.option("--sheet", help="Sheet of a workbook; the first if not given."),
    click.option("--no-header", is_flag=True, help="The first row is data; columns are 0, 1, ..."),
    click.option("--cells", type=click.Choice(["text", "path", "url"]), default="text"),
    click.option("--root", type=click.Path(path_type=Path),
                 help="Folder that paths in the cells are relative to."),
    click.option("--max-text-length", type=int, help="Most characters of a text."),
    click.option("--replace-undecodable", is_flag=True,
                 help="Read texts with bytes that are no characters, U+FFFD in their place."),
    click.option("--tolerance", type=float, default=5.0, show_default=True,
                 help="Percent of the rows that may be invalid."),
    click.option("--invalid-rows", type=click.Path(path_type=Path),
                 help="CSV to write the rows to that could not be used."),
)  # fmt: skip


def _reads_a_file(command: _Command) -> _Command:
    """Give a command the argument SOURCE and the options of `read`."""
    for option in reversed(_READING):
        command = option(command)
    return click.argument("source")(command)


def _read(source: str, options: dict[str, Any]) -> TextDataset:
    from keras_textcls.data.platform_formats import split_concepts
    from keras_textcls.data.reading import read

    label: Any = options["label"]
    try:
        dataset = read(
            source,
            text=options["text"],
            label=None if not label else label[0] if len(label) == 1 else list(label),
            text_pair=options["text_pair"],
            id=options["id"],
            split=options["split"],
            labels=split_concepts(options["labels"]) if options["labels"] else None,
            label_separator=options["label_separator"],
            multi_label=options["multi_label"],
            unlabelled="keep" if options["keep_unlabelled"] else "invalid",
            metadata=options["metadata"],
            format=options["format_"] or "auto",
            encoding=options["encoding"],
            delimiter="\t" if options["delimiter"] == "\\t" else options["delimiter"],
            quote=None if options["quote"] == "none" else options["quote"],
            sheet=options["sheet"],
            header=not options["no_header"],
            cells=options["cells"],
            root=options["root"],
            max_text_length=options["max_text_length"],
            undecodable="replace" if options["replace_undecodable"] else "invalid",
            invalid_data_tolerance_percent=options["tolerance"],
        )
    except InvalidDataError as error:
        _write_invalid_rows(error.invalid_rows, options["invalid_rows"])
        raise
    _write_invalid_rows(dataset.invalid_rows, options["invalid_rows"])
    return dataset


def _write_invalid_rows(rows: Sequence[Any], path: Path | None) -> None:
    if path is not None:
        from keras_textcls.data.invalid_rows import InvalidRows

        InvalidRows(rows).to_csv(path)
        click.echo(f"Wrote {len(rows):,} invalid rows to {path}", err=True)


@click.group("data")
def data_group() -> None:
    """Look at, check, convert and split labelled texts.

    SOURCE is a CSV, TSV, JSON, Parquet, Arrow or Excel file, plain or compressed,
    a folder with a sub-folder of .txt files a label, a saved dataset, or
    tfds:NAME.
    """


@data_group.command("inspect")
@_reads_a_file
@click.option("--preset", help="Count tokens as this preset would.")
def inspect_command(source: str, preset: str | None, **options: Any) -> None:
    """Show what SOURCE holds: how it was read, counts, lengths, first rows."""
    dataset = _read(source, options)
    for name, value in dataset.details.items():
        click.echo(f"{name}: {value}")
    click.echo(str(dataset.stats(preset)))
    click.echo(repr(dataset))
    if dataset.invalid_rows:
        click.echo(repr(dataset.invalid_rows))


@data_group.command("check")
@_reads_a_file
@click.option("--against", help="Another file that must share no text, such as the test set.")
@click.option("--preset", help="Count tokens as this preset would.")
def check_command(source: str, against: str | None, preset: str | None, **options: Any) -> None:
    """Look for what makes training or evaluation on SOURCE go wrong.

    Ends with exit code 1 if there is an error among the findings.
    """
    dataset = _read(source, options)
    other = _read(against, {**options, "invalid_rows": None}) if against else None
    report = dataset.check(other, preset)
    click.echo(repr(report))
    if dataset.invalid_rows:
        click.echo(repr(dataset.invalid_rows))
    if any(finding.level == "error" for finding in report):
        raise click.exceptions.Exit(1)


@data_group.command("convert")
@_reads_a_file
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--to", "form", default="auto", show_default=True,
              help="csv, tsv, jsonl, parquet, portal, sdk, or dataset (a directory).")  # fmt: skip
def convert_command(source: str, target: Path, form: str, **options: Any) -> None:
    """Read SOURCE and write TARGET in another form."""
    dataset = _read(source, options)
    if form == "dataset" or (form == "auto" and not target.suffix):
        dataset.save(target)
    else:
        dataset.write(target, form)
    _report(dataset, target)


@data_group.command("split")
@_reads_a_file
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--train", type=float, default=0.8, show_default=True)
@click.option("--validation", type=float, default=0.1, show_default=True)
@click.option("--test", type=float, default=0.1, show_default=True)
@click.option("--stratify/--no-stratify", default=True, show_default=True)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--to", "form", default="csv", show_default=True,
              help="csv, tsv, jsonl, parquet, portal or sdk.")  # fmt: skip
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
    """Cut SOURCE into train, validation and test files in the folder TARGET."""
    dataset = _read(source, options)
    parts = dataset.split(train, validation, test, stratify=stratify, seed=seed)
    suffix = form if form in ("tsv", "jsonl", "parquet") else "csv"
    for name, part in parts._asdict().items():
        if part is not None:
            _report(part, part.write(target / f"{name}.{suffix}", form))


def _report(dataset: TextDataset, target: Path) -> None:
    invalid = f", {len(dataset.invalid_rows):,} could not be used" if dataset.invalid_rows else ""
    click.echo(f"{target}: {len(dataset):,} texts{invalid}, version {dataset.fingerprint[:12]}")
