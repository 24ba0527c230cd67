"""`run.json`: what a run is, what it was given, how it stands."""

from __future__ import annotations

import dataclasses
import datetime
import json
from pathlib import Path
from typing import Any, Literal

from keras_textcls.errors import RunError, shorten
from keras_textcls.utils.atomic import replace_file
from keras_textcls.utils.records import JsonFile, fits, in_words

RECORD_FILE = "run.json"
SCHEMA_VERSION = 1
Status = Literal["queued", "training", "trained", "failed", "stopped"]


@dataclasses.dataclass(frozen=True)
class RunRecord:
    """What `run.json` holds.

    Args:
        name: string, the model that the run is a version of.
        version: int.
        status: string, one of `Status`.
        template: string.
        parameters: dict of all parameters of the template.
        preset: string, what was trained: a name, or the path of a directory from
            the root.
        preset_fingerprint: string, hash of its backbone's weights.
        dataset: dict: `fingerprint`, `rows`, `labels`, `multi_label`.
        validation: like `dataset`, or `None` where a share of it is held out.
        resume_from: string, name and version of the run whose training
            continues, such as `"model/2"`, or `None`.
        reason: string, why it failed or stopped, or `None`.
        backend: string.
        versions: dict from package to version.
        created, started, ended: strings, times in UTC, or `None`.
        seconds: float, training time of all starts together.
        starts: int, how often the run was started.
        metrics: dict of what training found out.
        schema_version: int.
    """

    name: str
    version: int
    template: str
    parameters: dict[str, Any]
    preset: str
    preset_fingerprint: str
    dataset: dict[str, Any]
    validation: dict[str, Any] | None = None
    resume_from: str | None = None
    status: Status = "queued"
    reason: str | None = None
    backend: str = ""
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    created: str | None = None
    started: str | None = None
    ended: str | None = None
    seconds: float = 0.0
    starts: int = 0
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def write(self, directory: Path) -> None:
        """Write `run.json`, whole or not at all.

        Args:
            directory: `Path` of the run.
        """
        with replace_file(directory / RECORD_FILE) as draft:
            text = json.dumps(dataclasses.asdict(self), indent=2, ensure_ascii=False)
            draft.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> RunRecord:
        """Read and check `run.json`.

        Args:
            directory: `Path` of the run.

        Returns:
            A `RunRecord`.

        Raises:
            RunError: it is missing, broken or of a newer version.
        """
        path = directory / RECORD_FILE
        remedy = f"Remove {str(directory)!r} if nothing in it is needed."
        file = JsonFile(str(path), RunError, remedy, SCHEMA_VERSION)
        record = file.read(cls, file.load(path, "run", "train()"))
        for name, kind in (("rows", int), ("labels", list[Any])):
            if not fits(record.dataset.get(name, kind()), kind):
                value = shorten(record.dataset[name])
                raise file.broken(f"`dataset.{name}` must be {in_words(kind)}. Received: {value}")
        return record


def now() -> str:
    """Return the time, in UTC, to the second."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
