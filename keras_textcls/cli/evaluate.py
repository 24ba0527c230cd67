"""`keras-textcls evaluate`, `compare` and `cross-validate`: evaluate models."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from keras_textcls.cli.reading import read_source, reads_a_file, with_reading_options
from keras_textcls.cli.termination import cleaning_up_when_terminated
from keras_textcls.cli.train import chooses_a_template, read_template
from keras_textcls.errors import ArgumentError
from keras_textcls.utils.text_display import one_line

_WIDTH = 100

_threshold = click.option(
    "--threshold", type=click.FloatRange(0, 1), help="Probability that a label must reach."
)
_save = click.option(
    "--save", type=click.Path(path_type=Path), help="Directory to save the report in."
)
_html = click.option("--html", type=click.Path(path_type=Path), help="HTML page to write.")


@click.command("evaluate")
@click.argument("model", metavar="MODEL")
@reads_a_file
@_threshold
@_html
@_save
@click.option("--name", help="Name of the model in comparisons.")
@click.option("--errors", type=click.IntRange(min=0), default=0, help="Wrong answers to list.")
def evaluate_command(
    model: str,
    source: str,
    threshold: float | None,
    html: Path | None,
    save: Path | None,
    name: str | None,
    errors: int,
    **options: Any,
) -> None:
    """Evaluate MODEL on the labelled texts of SOURCE.

    MODEL is the name or directory of a preset, or the directory of a run, which
    keeps the report.
    """
    dataset = read_source(source, options)
    from keras_textcls.evaluation.evaluate import evaluate

    report = evaluate(model, dataset, name=name, thresholds=threshold)
    click.echo(str(report))
    _show_errors(report, errors)
    _write(report, html, save)


@click.command("compare")
@click.argument("models", nargs=-1, required=True)
@click.option("--on", "source", help="File of labelled texts; not needed for saved reports.")
@with_reading_options
@_threshold
@click.option("--metric", help="Metric to rank by: accuracy, or micro_f1 of several labels a text.")
@click.option("--output", type=click.Path(path_type=Path), help="Directory for tables and plots.")
@click.option("--disagreements", type=click.IntRange(min=0), default=0, help="Texts to list.")
def compare_command(
    models: tuple[str, ...],
    source: str | None,
    threshold: float | None,
    metric: str | None,
    output: Path | None,
    disagreements: int,
    **options: Any,
) -> None:
    """Compare MODELS, each a preset, a run or a saved report, on the same texts."""
    dataset = read_source(source, options) if source is not None else None
    from keras_textcls.evaluation.comparison import compare

    if len(models) < 2:
        raise ArgumentError(f"`compare` needs two models or more. Received: {models[0]}.")
    comparison = compare(models, dataset)
    if threshold is not None:
        comparison = comparison.at_threshold(threshold)
    if comparison.is_ranked:
        click.echo(f"{comparison.leaderboard(metric)}\n\n{comparison.pairs(metric)}")
    else:
        click.echo(str(comparison))
    for text in comparison.disagreements(disagreements) if disagreements else ():
        answers = ", ".join(f"{name}: {answer}" for name, answer in text.answers.items())
        click.echo(f"{one_line(text.text or '', _WIDTH)}\n    is {text.actual}; {answers}")
    if output is not None:
        click.echo(f"Wrote {comparison.save_all(output)}")


@click.command("cross-validate")
@reads_a_file
@chooses_a_template
@click.option("--folds", type=click.IntRange(min=2), default=5, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option(
    "--label-errors", type=click.IntRange(min=0), default=0, help="Suspected labels to list."
)
@_html
@_save
def cross_validate_command(
    source: str,
    preset: str | None,
    template_name: str | None,
    settings: tuple[str, ...],
    folds: int,
    seed: int,
    label_errors: int,
    html: Path | None,
    save: Path | None,
    **options: Any,
) -> None:
    """Train and evaluate on SOURCE once for each fold; each text is held out once."""
    template, _ = read_template(template_name, settings, None)
    dataset = read_source(source, options)
    from keras_textcls.evaluation.cross_validation import cross_validate

    with cleaning_up_when_terminated():
        validation = cross_validate(dataset, preset, template, folds, seed=seed)
    click.echo(str(validation))
    for suspect in validation.report.suspected_label_errors(label_errors) if label_errors else ():
        click.echo(
            f"{one_line(suspect.text or '', _WIDTH)}\n    is {suspect.given} "
            f"({suspect.score:.3f}), rather {suspect.suggested or 'not'}"
        )
    _write(validation.report, html, save)


def _show_errors(report: Any, count: int) -> None:
    for text in report.errors(count) if count else ():
        click.echo(
            f"{one_line(text.text or '', _WIDTH)}\n    is {text.actual}, answered {text.predicted} "
            f"({text.score:.3f})"
        )


def _write(report: Any, html: Path | None, save: Path | None) -> None:
    if save is not None:
        report.save(save)
        click.echo(f"Wrote {save}")
    if html is not None:
        click.echo(f"Wrote {report.to_html(html)}")
