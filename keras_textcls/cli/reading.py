"""The options of commands that read a file of labelled texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from keras_textcls.cli.termination import cleaning_up_when_terminated
from keras_textcls.errors import InvalidDataError

if TYPE_CHECKING:
    from keras_textcls.data.text_dataset import TextDataset

Command = TypeVar("Command", bound=Callable[..., Any])
_READING = (
    click.option("--text", help="Column of the texts."),
    click.option("--label", multiple=True, help="Column of the labels; several for 0/1 columns."),
    click.option("--text-pair", help="Column of the second texts."),
    click.option("--id", help="Column of the identifiers."),
    click.option("--split", help="Column with the part of each text."),
    click.option("--labels", help="Names of the labels in their order, separated by commas."),
    click.option("--label-offset", type=int,
                 help="Number that stands for the first label, such as 1 (with --labels)."),
    click.option("--label-separator", help="Separator between labels in one cell, such as '|'."),
    click.option("--multi-label/--single-label", default=None,
                 help="Whether a text may have any number of labels."),
    click.option("--keep-unlabelled", is_flag=True, help="Keep texts without a label."),
    click.option("--metadata", is_flag=True, help="Keep all other columns as metadata."),
    click.option("--annotators", type=click.Choice(["majority", "first", "all", "agreeing"]),
                 default="majority", show_default=True,
                 help="What becomes of texts with labels by several annotators."),
    click.option("--taxonomy", type=click.Choice(["last", "joined"]), default="last",
                 help="Label of a path of a taxonomy: its last step, or all steps."),
    click.option("--format", "format_",
                 help="csv, tsv, json, parquet, arrow, excel, fasttext, spacy, rasa, arff, "
                      "label_studio, doccano, argilla or prodigy."),
    click.option("--encoding", default="auto", show_default=True),
    click.option("--delimiter", help="One character; tab is written \\t."),
    click.option("--quote", default="auto", help="One character, or none; auto detects it."),
    click.option("--sheet", help="Sheet of a workbook; the first if not given."),
    click.option("--skip-rows", type=click.IntRange(min=0), default=0,
                 help="Lines or rows above the table, such as a title."),
    click.option("--no-header", is_flag=True, help="The first row is data; columns are 0, 1, ..."),
    click.option("--cells", type=click.Choice(["text", "path", "url"]), default="text"),
    click.option("--root", type=click.Path(path_type=Path),
                 help="Folder that paths in the cells are relative to."),
    click.option("--allow-private", is_flag=True,
                 help="Allow addresses of this machine and of private networks in cells."),
    click.option("--max-text-length", type=int, help="Maximum number of characters of a text."),
    click.option("--replace-undecodable", is_flag=True,
                 help="Replace bytes that cannot be decoded by U+FFFD."),
    click.option("--tolerance", type=float, default=5.0, show_default=True,
                 help="Percent of the rows that may be invalid."),
    click.option("--invalid-rows", type=click.Path(path_type=Path),
                 help="CSV file to write, with the rows that could not be used."),
)  # fmt: skip


def reads_a_file(command: Command) -> Command:
    """Give a command the argument SOURCE and the options of `read`."""
    return click.argument("source")(with_reading_options(command))


def with_reading_options(command: Command) -> Command:
    """Give a command the options of `read`."""
    for option in reversed(_READING):
        command = option(command)
    return command


@cleaning_up_when_terminated()
def read_source(source: str, options: dict[str, Any]) -> TextDataset:
    """Read SOURCE with the options, and write its invalid rows if a file is given."""
    from keras_textcls.data.downloads.downloads import DownloadPolicy
    from keras_textcls.data.formats.clarifai_formats import split_concepts
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
            label_offset=options["label_offset"],
            label_separator=options["label_separator"],
            multi_label=options["multi_label"],
            unlabelled="keep" if options["keep_unlabelled"] else "invalid",
            annotators=options["annotators"],
            taxonomy=options["taxonomy"],
            metadata=options["metadata"],
            format=options["format_"] or "auto",
            encoding=options["encoding"],
            delimiter="\t" if options["delimiter"] == "\\t" else options["delimiter"],
            quote=None if options["quote"] == "none" else options["quote"],
            sheet=options["sheet"],
            header=not options["no_header"],
            skip_rows=options["skip_rows"],
            cells=options["cells"],
            root=options["root"],
            downloads=DownloadPolicy(allow_private=True) if options["allow_private"] else None,
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
        from keras_textcls.data.rows.invalid_rows import InvalidRows

        InvalidRows(rows).to_csv(path)
        click.echo(f"Wrote {len(rows):,} invalid rows to {path}", err=True)
