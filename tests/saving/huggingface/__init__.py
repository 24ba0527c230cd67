"""Tests of Hugging Face checkpoints; a package, so that its `conftest` hides no other."""
