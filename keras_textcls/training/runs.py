"""`Run`: one version of a model; `runs` lists them."""

from __future__ import annotations

import os
from typing import Any

from keras_textcls.training.run_folders.deletion import delete_version, needed_by
from keras_textcls.training.run_folders.run_directory import RunDirectory
from keras_textcls.training.run_folders.run_record import RunRecord
from keras_textcls.training.run_folders.versions import (
    DEFAULT_OUTPUT,
    find_version,
    find_versions,
)


class Run(RunDirectory):
    """One version of a model: its data, parameters, status, log and trained model.

    `train` creates a run; `runs` lists the existing ones.

    Args:
        directory: string or path of the run.

    Raises:
        RunError: the directory is not a run, or its `run.json` is broken.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__(directory)
        RunRecord.read(self.directory)

    def resume(self, **kwargs: Any) -> Run:
        """Continue a run that was stopped or failed, with the texts that it has saved.

        Args:
            **kwargs: `verbose`, `checkpoint_seconds` and `tensorboard`, as for
                `train`.

        Returns:
            This `Run`.
        """
        # Imported here, so that runs are listed without Keras.
        from keras_textcls.training.training_start import train_again

        train_again(self, resume=self, **kwargs)
        return self

    def rerun(self, **kwargs: Any) -> Run:
        """Train again with the same data and parameters, as the next version.

        Args:
            **kwargs: as for `resume`.

        Returns:
            The new `Run`.
        """
        from keras_textcls.training.training_start import train_again

        return Run(train_again(self, **kwargs).directory)

    def needed_by(self) -> list[Run]:
        """Return the runs that cannot be used without this one.

        These are runs that hold adapters for the model of this run, and runs that
        continue this run and are not trained yet.

        Returns:
            A list of `Run`.
        """
        return needed_by(self)

    def delete(self, force: bool = False) -> None:
        """Delete the run and all its files.

        Args:
            force: bool, whether to delete it even if other runs need it. Defaults to
                `False`.

        Raises:
            RunError: a process is training it, or other runs need it.
        """
        delete_version(self, force)


def runs(output: str | os.PathLike[str] = DEFAULT_OUTPUT, name: str | None = None) -> list[Run]:
    """List the runs in a directory.

    Args:
        output: string or path, as given to `train`. Defaults to `"runs"`.
        name: string, name of the model whose versions are listed. Defaults to
            `None`, all models.

    Returns:
        A list of `Run`, sorted by name and version. Directories that are not a run,
        or whose `run.json` is broken, are left out.

    Example:
    >>> runs("no-such-directory")
    []
    """
    return find_versions(Run, output, name)


def find_run(output: str | os.PathLike[str], which: str) -> Run:
    """Return one run by name and version.

    Args:
        output: string or path, as given to `train`.
        which: `"name/version"`, or `"name"` for the newest version.

    Returns:
        A `Run`.

    Raises:
        RunError: there is no such run, or its `run.json` is broken.
    """
    return find_version(Run, output, which)
