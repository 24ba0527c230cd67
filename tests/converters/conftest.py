"""Skips what needs the oracle where it is missing; random checkpoints, one a session each."""

import shutil

import pytest

torch = pytest.importorskip("torch", reason="transformers computes with PyTorch")
pytest.importorskip("transformers")

from converters import checkpoints  # noqa: E402  Imports what may be missing.


@pytest.fixture(autouse=True)
def one_thread():
    """Models this small run many times slower on several threads, on a busy machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def saved(tmp_path_factory):
    """A function from an architecture to its folder, model and tokenizer, made once."""
    made = {}

    def make(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = folder, *checkpoints.save_checkpoint(name, folder)
        return made[name]

    return make


@pytest.fixture
def copied(saved, tmp_path):
    """A function from an architecture to a copy of its folder, to be spoilt."""

    def make(name="Bert"):
        return shutil.copytree(saved(name)[0], tmp_path / "checkpoint")

    return make
