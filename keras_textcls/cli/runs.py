"""`keras-textcls runs`: lists, shows, resumes, repeats and deletes versions of models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keras_textcls.utils.result_table import ResultTable

if TYPE_CHECKING:
    from keras_textcls.training.runs import Run

_output = click.option("--output", default="runs", show_default=True, help="Directory of the runs.")
_which = click.argument("run", metavar="NAME[/VERSION]")


def _find(output: str, which: str) -> Run:
    from keras_textcls.training.runs import find_run

    return find_run(output, which)


@click.group("runs")
def runs_group() -> None:
    """List, show, resume, repeat and delete runs.

    NAME without a version is the newest version of that model.
    """


@runs_group.command("list")
@click.argument("name", required=False)
@_output
def list_command(name: str | None, output: str) -> None:
    """List all runs, or those of the model NAME."""
    from keras_textcls.training.run_folders.versions import broken_versions
    from keras_textcls.training.runs import runs

    readable, broken = runs(output, name), broken_versions(output, name)
    if not readable and not broken:
        click.echo(f"There are no runs in {output}.")
        return
    rows = [
        (
            f"{run.name}/{run.version}",
            run.status,
            run.record.template,
            f"{run.record.dataset.get('rows', 0):,}",
            f"{run.record.seconds:,.1f}",
            run.record.created or "",
        )
        for run in readable
    ]
    rows += [(f"{at.parent.name}/{at.name}", "broken", "", "", "", "") for at in broken]
    columns = ("RUN", "STATUS", "TEMPLATE", "TEXTS", "SECONDS", "CREATED")
    click.echo(ResultTable(columns, tuple(rows)))
    for reason in broken.values():
        click.echo(f"broken: {reason}", err=True)


@runs_group.command("show")
@_which
@_output
def show_command(run: str, output: str) -> None:
    """Show the status, the data, the parameters and the metrics of a run."""
    version = _find(output, run)
    record, reason = version.record, version.reason
    click.echo(
        f"{version.name}/{version.version}: {version.status}{f', {reason}' if reason else ''}"
    )
    labels = record.dataset.get("labels", [])
    details = {
        "template": record.template,
        "preset": record.preset,
        "texts": f"{record.dataset.get('rows', 0):,}, {len(labels)} labels",
        "data version": str(record.dataset.get("fingerprint"))[:12],
        "continues": record.resume_from,
        "created": record.created,
        "ended": record.ended,
        "seconds": record.seconds,
        "starts": record.starts,
        "backend": f"{record.backend}, {', '.join(f'{k} {v}' for k, v in record.versions.items())}",
        "model": str(version.preset) if version.preset.exists() else None,
    }
    for name, value in details.items():
        if value is not None:
            click.echo(f"{name}: {value}")
    for heading, values in (("metrics", record.metrics), ("parameters", record.parameters)):
        click.echo(f"{heading}:")
        for name, value in values.items():
            click.echo(f"  {name}: {value}")


@runs_group.command("log")
@_which
@_output
def log_command(run: str, output: str) -> None:
    """Print the log of a run."""
    click.echo(_find(output, run).log, nl=False)


@runs_group.command("resume")
@_which
@_output
def resume_command(run: str, output: str) -> None:
    """Continue a run that was stopped or failed."""
    report_run(_find(output, run).resume())


@runs_group.command("rerun")
@_which
@_output
def rerun_command(run: str, output: str) -> None:
    """Train again with the same data and parameters, as the next version."""
    report_run(_find(output, run).rerun())


def report_run(run: Run) -> None:
    """Print how a run ended; after a stopped run, the exit code is that of Ctrl-C."""
    click.echo(f"{run.name}/{run.version}: {run.status}, {run.preset}")
    if run.status != "trained":
        raise click.exceptions.Exit(130)


@runs_group.command("delete")
@click.argument("run", metavar="NAME/VERSION")
@_output
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--force", is_flag=True, help="Delete it even if other runs need it.")
def delete_command(run: str, output: str, yes: bool, force: bool) -> None:
    """Delete a run and its model."""
    if "/" not in run.strip("/"):
        raise click.UsageError("Name the version to delete: NAME/VERSION.")
    from keras_textcls.training.run_folders.deletion import delete_version
    from keras_textcls.training.run_folders.run_directory import RunDirectory
    from keras_textcls.training.run_folders.versions import broken_versions

    name, _, version = run.strip("/").partition("/")
    directory = Path(output) / name / version
    is_broken = directory in broken_versions(output, name)
    run_directory = RunDirectory(directory) if is_broken else _find(output, run)
    if not yes:
        click.confirm(f"Delete {directory} and the model in it?", abort=True)
    delete_version(run_directory, force)
    click.echo(f"Deleted {name}/{version}.")
