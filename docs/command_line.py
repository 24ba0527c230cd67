"""Write docs/command_line.md: the help of every command of `keras-textcls`.

    python docs/command_line.py          writes the page
    python docs/command_line.py --check  only compares it with the commands

The page is generated; edit the commands in keras_textcls/cli/, or this file, instead.
"""

import argparse
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
PAGE = ROOT / "docs" / "command_line.md"
# What both of these have are the options for reading a file.
READERS = ("keras-textcls train", "keras-textcls evaluate")
CODE = re.compile(r"(`[^`]*`)")

HEADER = """# Command line

The command `keras-textcls` is installed with the package. Each of its commands explains
itself with `--help`, and this page is made of that (`python docs/command_line.py`).

```sh
keras-textcls train messages.csv --name messages
keras-textcls evaluate runs/messages/1 test.csv --html report.html
```

Errors are one line on standard error, and the exit code is then not 0; `keras-textcls data
check` also ends with 1 if it found an error in the data. Results go to standard output.
"""
READING = """## Options for reading a file

Commands that read labelled texts take these; [Data](data.md) explains what they do.
"""


class HelpEntry(NamedTuple):
    """An option as `--help` shows it."""

    names: str
    text: str


class CommandHelp(NamedTuple):
    """A command with its full name, its usage, what it does and its options."""

    name: str
    usage: str
    text: str
    options: list[HelpEntry]
    subcommands: list[tuple[str, str]]


def commands() -> Iterator[CommandHelp]:
    """Every command and group, each group before its commands."""
    from keras_textcls.cli import main

    yield from _walk(main, click.Context(main, info_name="keras-textcls"))


def _walk(command: click.Command, context: click.Context) -> Iterator[CommandHelp]:
    options = [one for one in command.get_params(context) if isinstance(one, click.Option)]
    records = [one.get_help_record(context) for one in options]
    inner = []
    if isinstance(command, click.Group):
        inner = [
            (name, found)
            for name in command.list_commands(context)
            if (found := command.get_command(context, name)) and not found.hidden
        ]
    yield CommandHelp(
        context.command_path,
        " ".join([context.command_path, *command.collect_usage_pieces(context)]),
        inspect.cleandoc(command.help or "").replace("\b\n", ""),
        [HelpEntry(*record) for record in records if record and "--help" not in record[0]],
        [(name, found.get_short_help_str(200)) for name, found in inner],
    )
    for name, found in inner:
        yield from _walk(found, click.Context(found, info_name=name, parent=context))


def page() -> str:
    """The page as it should be."""
    found = list(commands())
    first, second = (one.options for one in found if one.name in READERS)
    common = [entry for entry in first if entry in second]
    listed = [(f"{one.name} {name}", text) for one in found for name, text in one.subcommands]
    leaves = {one.name for one in found if not one.subcommands}
    lines = [HEADER, "| command | what it does |", "|---|---|"]
    lines += [f"| [`{_short(name)}`](#{_anchor(name)}) | {_cell(text)} |" for name, text in listed
              if name in leaves]  # fmt: skip
    for one in found:
        if one.name in leaves:
            lines += ["", *_section(one, common)]
    lines += ["", READING, *_table(common)]
    return "\n".join(lines) + "\n"


def _section(one: CommandHelp, common: list[HelpEntry]) -> Iterator[str]:
    yield f"## {_short(one.name)}\n\n```sh\n{one.usage}\n```\n\n{_escaped(one.text)}"
    reads = set(common) <= set(one.options)
    own = [entry for entry in one.options if not (reads and entry in common)]
    if own:
        yield from ("", *_table(own))
    if reads:
        yield "\nIt also takes the [options for reading a file](#options-for-reading-a-file)."


def _table(entries: list[HelpEntry]) -> Iterator[str]:
    yield from ("| option | meaning |", "|---|---|")
    yield from (f"| {_cell(f'`{names}`')} | {_cell(text)} |" for names, text in entries)


def _cell(text: str) -> str:
    return _escaped(" ".join(text.split())).replace("|", "\\|")


def _escaped(text: str) -> str:
    """Markdown that shows the text as it is; what is in backquotes is code already."""
    parts = CODE.split(text)
    parts[::2] = [re.sub(r"([*_\[\]])", r"\\\1", part).replace("<", "&lt;") for part in parts[::2]]
    return "".join(parts)


def _short(name: str) -> str:
    return name.removeprefix("keras-textcls ")


def _anchor(name: str) -> str:
    return _short(name).replace(" ", "-")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only compare the page")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif PAGE.read_text(encoding="utf-8") != page():
        sys.exit(f"{PAGE.relative_to(ROOT)} is not what --help says: run docs/command_line.py")
