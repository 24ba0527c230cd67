"""`keras-textcls templates`: lists the training templates and their parameters."""

from __future__ import annotations

import textwrap

import click

_WIDTH = 96


@click.command("templates")
@click.argument("name", required=False)
@click.option("--yaml", "as_yaml", is_flag=True, help="Print a file to edit and train with.")
def templates_command(name: str | None, as_yaml: bool) -> None:
    """List the training templates, or the parameters of NAME."""
    from keras_textcls.training.templates import summary, template, templates

    if name is None:
        width = max(map(len, templates()))
        for known, kind in templates().items():
            click.echo(f"{known:{width}}  {summary(kind)}")
        click.echo("\n`keras-textcls templates NAME` shows the parameters of one.")
        return
    made = template(name)
    if as_yaml:
        click.echo(made.to_yaml(), nl=False)
        return
    click.echo(f"{name}: {summary(type(made))}\n")
    for parameter in made.parameters().values():
        click.echo(f"{parameter.name} = {_show(parameter.default)}")
        text = f"{parameter.meaning} Must be {parameter.wanted}."
        click.echo(textwrap.fill(text, _WIDTH, initial_indent="    ", subsequent_indent="    "))


def _show(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
