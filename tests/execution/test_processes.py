"""Children of processes that loaded a model: they answer the same, or say why not; none hangs."""

import concurrent.futures
import multiprocessing
import warnings

import forked_models
import keras
import numpy as np
import pytest
import tensorflow as tf
from conftest import long_but, make_classifier
from forked_models import TEXTS, answer, load_and_answer, read_streams, refuse

HANGS_AFTER = 120
FORKED_ANSWER = keras.config.backend() == "torch"
METHODS = multiprocessing.get_all_start_methods()
OTHERS = [method for method in METHODS if method != "fork"]
# WordPiece, byte pairs, and both kinds of SentencePiece.
KINDS = ["BertBackbone", "RobertaBackbone", "AlbertBackbone", "XLMRobertaBackbone"]


def _in_child(method, function, *arguments):
    """Call a function in a child process, which is ended if it hangs."""
    with multiprocessing.get_context(method).Pool(1) as pool:
        return pool.apply_async(function, arguments).get(HANGS_AFTER)


@pytest.fixture
def fork():
    if "fork" not in METHODS:
        pytest.skip("no process is forked here")
    with warnings.catch_warnings():
        # Python 3.12 and JAX warn of every fork beside threads.
        warnings.filterwarnings("ignore", "(?s).*fork")
        yield "fork"


@pytest.fixture
def kept(monkeypatch):
    """The list in which forked children find models."""
    found = []
    monkeypatch.setattr(forked_models, "models", found)
    return found


@pytest.mark.skipif(not FORKED_ANSWER, reason="its threads do not survive the fork")
@pytest.mark.parametrize("name", long_but(["BertBackbone", "RobertaBackbone"], KINDS))
def test_a_forked_child_answers_as_its_parent(name, fork, kept, tmp_path):
    kept.append(make_classifier(name))
    kept[0].save_to_preset(tmp_path / "preset")
    expected = answer()
    found = _in_child(fork, answer)
    for ours, theirs in zip(found[0], expected[0], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    loaded = _in_child(fork, load_and_answer, tmp_path / "preset")
    np.testing.assert_allclose(loaded, expected[0][0], atol=1e-5)


@pytest.mark.skipif(FORKED_ANSWER, reason="answers there")
def test_a_forked_child_says_at_once_what_to_do(fork, kept, tmp_path):
    kept.append(make_classifier())
    kept[0].save_to_preset(tmp_path / "preset")
    answer()
    for message in _in_child(fork, refuse, tmp_path / "preset"):
        assert 'Start processes by "spawn" or "forkserver"' in message


def test_a_forked_child_refuses_the_streams_of_tensorflow(fork, kept, monkeypatch):
    kept.append(make_classifier())
    stream = tf.data.Dataset.from_tensor_slices((TEXTS, [0, 1, 0])).batch(2)
    monkeypatch.setattr(forked_models, "streams", [stream])
    kept[0].predict(stream, verbose=0)
    for message in _in_child(fork, read_streams):
        assert 'Start processes by "spawn"' in message


@pytest.mark.parametrize("method", long_but(OTHERS[-1:], OTHERS))
def test_other_children_load_and_answer(method, tmp_path):
    model = make_classifier()
    model.save_to_preset(tmp_path / "preset")
    found = _in_child(method, load_and_answer, tmp_path / "preset")
    np.testing.assert_allclose(found, model.predict(TEXTS, verbose=0), atol=1e-5)


def test_a_pool_of_executors_ends_with_an_answer_or_a_refusal(fork, kept):
    """As users meet it: one `classify`, then a pool of forked workers."""
    kept.append(make_classifier())
    expected = answer()
    context = multiprocessing.get_context(fork)
    with concurrent.futures.ProcessPoolExecutor(1, context) as pool:
        outcome = pool.submit(answer)
        if FORKED_ANSWER:
            np.testing.assert_allclose(outcome.result(HANGS_AFTER)[0][0], expected[0][0], atol=1e-5)
        else:
            assert "forked" in str(outcome.exception(HANGS_AFTER))
