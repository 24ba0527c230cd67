"""The command `keras-textcls`, with one file for each group of commands.

Commands parse their arguments, call the library and print the result. Errors that the
library raises intentionally are shown in one line, without a traceback.
"""

from __future__ import annotations

from typing import Any

import click

from keras_textcls.cli.data import data_group
from keras_textcls.cli.distill import distill_command
from keras_textcls.cli.evaluate import (
    compare_command,
    cross_validate_command,
    evaluate_command,
)
from keras_textcls.cli.presets import presets_command
from keras_textcls.cli.quiet_imports import quiet_imports
from keras_textcls.cli.runs import runs_group
from keras_textcls.cli.templates import templates_command
from keras_textcls.cli.train import train_command
from keras_textcls.errors import KerasTextclsError


class _Group(click.Group):
    """A group of commands that shows the library's own errors as messages."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Refuse what no name of a file, model or label can be."""
        for argument in args:
            if "\0" in argument:
                raise click.UsageError(f"An argument holds a NUL: {argument!r:.200}", context)
        return super().parse_args(context, args)

    def invoke(self, context: click.Context) -> Any:
        try:
            with quiet_imports():
                return super().invoke(context)
        except KerasTextclsError as error:
            raise click.ClickException(str(error)) from error
        except BrokenPipeError:
            # The reader of the output has closed it; click ends without a message.
            raise
        except OSError as error:
            # For example a full disk, or a folder without write permission.
            place = f"{error.filename}: " if error.filename else ""
            raise click.ClickException(f"{place}{error.strerror or error}") from error


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="keras-textcls")
def main() -> None:
    """Text classification with Keras."""


main.add_command(data_group)
main.add_command(templates_command)
main.add_command(train_command)
main.add_command(runs_group)
main.add_command(evaluate_command)
main.add_command(compare_command)
main.add_command(cross_validate_command)
main.add_command(presets_command)
main.add_command(distill_command)
