"""`ReportInfo`: the model, the data, the time and the package versions of a report."""

from __future__ import annotations

import dataclasses
import datetime
from typing import Any

from keras_textcls.utils.versions import installed_versions

_PACKAGES = ("keras-textcls", "numpy", "scikit-learn", "keras", "keras-hub")


@dataclasses.dataclass(frozen=True)
class ReportInfo:
    """The model, the data, the time and the package versions of a report.

    Args:
        name: string or `None`, name of the model in comparisons.
        model: dict: preset, version of the run, hash of the weights, backend, as
            far as they are known.
        data: dict: fingerprint of the dataset, its source, rows left out.
        environment: dict from package to version, with that of Python.
        created: string, date and time of the evaluation in UTC.
        notes: tuple of strings, facts that limit how far the metrics can be
            trusted, such as texts that the model was trained on.
    """

    name: str | None = None
    model: dict[str, Any] = dataclasses.field(default_factory=dict)
    data: dict[str, Any] = dataclasses.field(default_factory=dict)
    environment: dict[str, Any] = dataclasses.field(default_factory=dict)
    created: str = ""
    notes: tuple[str, ...] = ()

    @classmethod
    def now(cls, **fields: Any) -> ReportInfo:
        """Create the information with the installed versions and the current time.

        Args:
            **fields: other fields.

        Returns:
            A `ReportInfo`.
        """
        created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        return cls(environment=installed_versions(_PACKAGES), created=created, **fields)
