"""`Run`: one version of a model, and what can be done with it; `runs` finds them."""

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
    """One version of a model: what it was trained with, how it stands, the model.

    `train` makes one; `runs` finds those there are.

    Args:
        directory: string or path of the run.

    Raises:
        RunError: it is no run, or its `run.json` is broken.
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__(directory)
        RunRecord.read(self.directory)

    def resume(self, **kwargs: Any) -> Run:
        """Go on where the run was stopped or failed, with the texts that it holds.

        Args:
            **kwargs: `verbose`, `checkpoint_seconds` and `tensorboard`, as for
                `train`.

        Returns:
            This `Run`.
        """
        # Not above: runs are listed without Keras.
        from keras_textcls.training.training_start import train_again

        train_again(self, resume=self, **kwargs)
        return self

    def rerun(self, **kwargs: Any) -> Run:
        """Train the same once more, as the next version.

        Args:
            **kwargs: as for `resume`.

        Returns:
            Another `Run`.
        """
        from keras_textcls.training.training_start import train_again

        return Run(train_again(self, **kwargs).directory)

    def needed_by(self) -> list[Run]:
        """Return the runs that would be lost with this one.

        Those are runs whose model is adapters of this one's, and those that
        continue it and are not trained yet.

        Returns:
            A list of `Run`.
        """
        return needed_by(self)

    def delete(self, force: bool = False) -> None:
        """Delete the run and all that it holds.

        Args:
            force: bool, whether to delete it even where other runs need it.
                Defaults to `False`.

        Raises:
            RunError: a process is training it, or other runs need it.
        """
        delete_version(self, force)


def runs(output: str | os.PathLike[str] = DEFAULT_OUTPUT, name: str | None = None) -> list[Run]:
    """Find the runs in a directory.

    Args:
        output: string or path, as given to `train`. Defaults to `"runs"`.
        name: string, the model whose versions are wanted. Defaults to `None`,
            all.

    Returns:
        A list of `Run`, by name and version. Directories that are no run, or
        whose `run.json` is broken, are left out.

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
        RunError: there is none, or its `run.json` is broken.
    """
    return find_version(Run, output, which)
