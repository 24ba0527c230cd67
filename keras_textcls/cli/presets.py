"""`keras-textcls presets`: lists the presets that have a name."""

from __future__ import annotations

import dataclasses
import json

import click

from keras_textcls.catalogue import PresetCatalogue, presets
from keras_textcls.errors import PresetError


@click.command("presets")
@click.argument("name", required=False)
@click.option("--here", is_flag=True, help="Only those that load now without a network.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def presets_command(name: str | None, here: bool, as_json: bool) -> None:
    """List the presets that `from_preset` knows by name, or show the one called NAME."""
    catalogue = presets()
    if name is not None:
        _show(catalogue, name, as_json)
        return
    if here:
        catalogue = catalogue.available
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(info) for info in catalogue.values()], indent=2))
    else:
        click.echo(repr(catalogue))


def _show(catalogue: PresetCatalogue, name: str, as_json: bool) -> None:
    try:
        fields = dataclasses.asdict(catalogue[name])
    except KeyError as error:
        raise PresetError(error.args[0]) from error
    if as_json:
        click.echo(json.dumps(fields, indent=2))
        return
    width = max(map(len, fields))
    for key, value in fields.items():
        text = ", ".join(value) if isinstance(value, tuple) else "" if value is None else str(value)
        click.echo(f"{key.ljust(width)}  {text}".rstrip())
