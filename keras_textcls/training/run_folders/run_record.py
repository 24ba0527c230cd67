"""`run.json`: the description and the status of a run."""

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
    """The contents of `run.json`.

    Args:
        name: string, name of the model.
        version: int, version of the model.
        status: string, one of `Status`.
        template: string, name of the template.
        parameters: dict of all parameters of the template.
        preset: string, the preset that was trained: a name, or an absolute path.
        preset_fingerprint: string, hash of the weights of its backbone.
        dataset: dict: `fingerprint`, `rows`, `labels`, `multi_label`.
        validation: like `dataset`, or `None` if no validation data were given.
        resume_from: string, name and version of the run whose training
            continues, such as `"model/2"`, or `None`.
        reason: string, why it failed or stopped, or `None`.
        backend: string.
        versions: dict from package to version.
        created, started, ended: strings, times in UTC, or `None`.
        seconds: float, training time of all starts together.
        starts: int, how often the run was started.
        metrics: dict of training metrics.
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
    versions: dict[str, Any] = dataclasses.field(default_factory=dict)
    created: str | None = None
    started: str | None = None
    ended: str | None = None
    seconds: float = 0.0
    starts: int = 0
    metrics: dict[str, Any] = dataclasses.field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def write(self, directory: Path) -> None:
        """Write `run.json` atomically.

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
            RunError: the file is missing, broken or of a newer version.
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
    """Return the current time in UTC, in seconds."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
