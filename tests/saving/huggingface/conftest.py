"""Skips what needs the oracle where it is missing; random checkpoints, one a session each."""

import shutil

import pytest

pytest.importorskip("torch", reason="transformers computes with PyTorch")
pytest.importorskip("transformers")

from huggingface import checkpoints


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
