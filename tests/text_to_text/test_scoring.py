"""Scores: the three ways agree, and give what transformers gives."""

import dataclasses

import keras
import keras_hub
import numpy as np
import pytest
from conftest import budget, long_but
from small_language_models import (
    END,
    SHORT,
    WINDOW,
    language_model,
    letter_tokenizer,
    likelihood,
    prompt_ids,
    whole_ids,
    write_oracle,
)

from keras_textcls import TextToTextClassifier
from keras_textcls.batching.bucket_plan import COMPILED, DYNAMIC
from keras_textcls.batching.planner import Planner
from keras_textcls.text_to_text.answer_model import output_layers
from keras_textcls.text_to_text.answers import Answers, AnswerTrie
from keras_textcls.text_to_text.cached_scoring import AnswerPaths, CachedScorer, agrees_with
from keras_textcls.text_to_text.plain_scoring import PlainScorer
from keras_textcls.text_to_text.prompt_encoding import as_encoded
from keras_textcls.text_to_text.tree_scoring import TreeScorer

ANSWERS = {
    "one token each": ((3,), (7,), (9,)),
    "several tokens": ((3, 4, 5), (7, 8), (9, 3, 3, 3, 1)),
    "shared beginnings": ((4, 6, 7), (4, 6, 8, 9), (4, 5), (10, 11)),
    "short and long": (*((n, 1) for n in range(16)), (20, *range(21, 28), 0)),
    "one the beginning of another": ((4,), (4, 5), (4, 5, 6, 7), (8,)),
}
LIMIT = 64
KINDS = ("gpt_neo", "gpt2")


@pytest.fixture(scope="module", params=KINDS)
def model(request):
    return language_model(request.param)


def answers_of(ids):
    beginnings = {row[:i] for row in ids for i in range(1, len(row))}
    has_end = any(row in beginnings for row in ids)
    return Answers(("",) * len(ids), ids, END, has_end)


# JAX compiles a program for every shape.
ON_JAX = keras.config.backend() == "jax"
USUAL = COMPILED if ON_JAX else DYNAMIC


def planner(policy=USUAL, budget=96 if ON_JAX else 512):
    return Planner(policy, budget, longest=LIMIT)


def prompts(lengths, seed=0, opening=()):
    rng = np.random.default_rng(seed)
    rows = [np.append(opening, rng.integers(0, END, n)).astype("int32") for n in lengths]
    sizes = np.array([len(row) for row in rows], "int32")
    return rows, as_encoded(sizes, np.concatenate(rows), LIMIT)


NO_OPENING = np.zeros(0, "int64")
FEW = (1, 7, 21, 55)
RAGGED = FEW if ON_JAX else budget((1, 2, 3, 7, 20, 21, 22, 40, 41, 55), FEW)


@pytest.mark.parametrize("name", long_but(["one the beginning of another"], ANSWERS))
@pytest.mark.parametrize(
    "lengths",
    [pytest.param(RAGGED, id="ragged"), pytest.param((30,), id="one text", marks=pytest.mark.long)],
)
def test_the_three_ways_agree(model, name, lengths):
    answers = answers_of(ids := ANSWERS[name])
    head = output_layers(model)
    _, texts = prompts(lengths)
    plain = PlainScorer(model, head, answers).score(texts, planner(), verbose=0)
    assert plain.shape == (len(lengths), len(ids))
    others = [CachedScorer(model, answers, NO_OPENING)]
    if TreeScorer.serves(model):
        others.append(TreeScorer(model, head, answers, NO_OPENING))
    for scorer in others:
        for settings in ({}, {"batch_size": 3}, {"batch_size": 1})[: 1 if ON_JAX else budget(3, 2)]:
            found = scorer.score(texts, planner(), verbose=0, **settings)
            np.testing.assert_allclose(found, plain, atol=1e-4, err_msg=str(type(scorer)))
        if not ON_JAX:
            compiled = scorer.score(texts, planner(COMPILED, 96), verbose=0)
            np.testing.assert_allclose(compiled, plain, atol=1e-4, err_msg=str(type(scorer)))


def test_prompts_that_fill_the_sequence_exactly(model):
    answers = answers_of(ANSWERS["one the beginning of another"])
    full = LIMIT - answers.longest
    _, texts = prompts((full, full, full - 1, 3))
    head = output_layers(model)
    plain = PlainScorer(model, head, answers).score(texts, planner(), verbose=0)
    for policy in {USUAL, COMPILED}:
        found = CachedScorer(model, answers, NO_OPENING).score(texts, planner(policy), verbose=0)
        np.testing.assert_allclose(found, plain, atol=1e-4)
    if TreeScorer.serves(model):
        tree = TreeScorer(model, head, answers, NO_OPENING)
        np.testing.assert_allclose(tree.score(texts, planner(), verbose=0), plain, atol=1e-4)


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        ("tree", "gpt_neo"),
        pytest.param("cached", "gpt_neo", marks=pytest.mark.long),
        ("cached", "gpt2"),
    ],
)
@pytest.mark.parametrize("length", long_but([WINDOW + 5], [1, WINDOW - 1, WINDOW + 5]))
def test_the_opening_that_is_read_once_changes_nothing(way, kind, length):
    model = language_model(kind)
    answers = answers_of(ANSWERS["shared beginnings"])
    opening = np.random.default_rng(1).integers(0, END, length)
    _, whole = prompts((1, 4, 9, 30), opening=opening)
    _, rest = prompts((1, 4, 9, 30))
    head = output_layers(model)
    expected = PlainScorer(model, head, answers).score(whole, planner(), verbose=0)
    if way == "tree":
        scorer = TreeScorer(model, head, answers, opening)
    else:
        scorer = CachedScorer(model, answers, opening)
    np.testing.assert_allclose(scorer.score(rest, planner(), verbose=0), expected, atol=1e-4)
    # New weights: the opening is read anew.
    for weight in model.backbone.trainable_weights:
        weight.assign(weight * 0.7)
    changed = PlainScorer(model, head, answers).score(whole, planner(), verbose=0)
    assert np.abs(changed - expected).max() > 1e-2
    np.testing.assert_allclose(scorer.score(rest, planner(), verbose=0), changed, atol=1e-4)


@pytest.mark.parametrize("kind", long_but(["gpt_neo"], KINDS))
def test_scores_are_the_log_likelihoods_of_transformers(kind, tmp_path):
    pytest.importorskip("torch")
    oracle = write_oracle(kind, tmp_path)
    labels = ["ham", "spam", "spa", "a ham"]
    texts = ["win cash now " * 9, "see you", "x"]
    tokenizer = letter_tokenizer(kind)
    classifier = TextToTextClassifier.from_preset(
        str(tmp_path), labels=labels, prompt=SHORT, content_free=None
    )
    classifier.sequence_length = 200
    expected = []
    for prompt in classifier.prompts(texts):
        ids = prompt_ids(tokenizer, prompt)
        assert len(ids) > WINDOW
        whole = [prompt_ids(tokenizer, f"{prompt} {label}") for label in labels]
        assert all(row[: len(ids)] == ids for row in whole)
        expected.append([likelihood(oracle, ids, row[len(ids) :]) for row in whole])
    assert not classifier._prompt_parts().answers.has_end
    found = classifier.predict(texts, verbose=0)
    assert classifier.scorer == ("tree" if kind == "gpt_neo" else "cached")
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_probabilities_where_one_answer_begins_another(tmp_path):
    pytest.importorskip("torch")
    oracle = write_oracle("gpt_neo", tmp_path)
    classifier = TextToTextClassifier.from_preset(
        str(tmp_path), labels=["b", "bad", "baddy"], prompt=SHORT, content_free=None
    )
    assert classifier._prompt_parts().answers.has_end
    ids = prompt_ids(letter_tokenizer(), classifier.prompts("hello there")[0])
    answers = [[*whole_ids(letter_tokenizer(), f": {name}")[1:], END] for name in classifier.labels]
    expected = np.array([likelihood(oracle, ids, answer) for answer in answers])
    np.testing.assert_allclose(
        classifier.predict(["hello there"], verbose=0)[0], expected, atol=1e-4
    )
    odds = np.exp(expected - expected.max())
    found = classifier.predict_proba(["hello there"], verbose=0)[0]
    np.testing.assert_allclose(found, odds / odds.sum(), atol=1e-4)


def test_the_tree_reads_every_shared_token_once():
    trie = AnswerTrie.of([(1, 2, 3), (1, 2, 4), (5,), (1, 6)])
    assert trie.tokens.tolist() == [1, 2]
    assert trie.depths.tolist() == [0, 1]
    assert trie.ancestors.tolist() == [[True, False], [True, True]]
    entries = list(zip(trie.entry_nodes.tolist(), trie.entry_tokens.tolist(), strict=True))
    assert entries == [(0, 1), (1, 2), (2, 3), (2, 4), (0, 5), (1, 6)]
    assert trie.members.sum(axis=0).tolist() == [3, 3, 1, 2]


def test_paths_are_read_once():
    ids = ((1, 2, 3), (1, 2, 4), (5,), (1, 6), (7, 8))
    paths = AnswerPaths.of(answers_of(ids))
    assert paths.tokens == [(1, 2), (7,)]
    assert paths.members.sum(axis=0).tolist() == [3, 3, 1, 2, 2]


def test_paths_of_similar_length_are_read_together():
    short = tuple((n, 50, 51) for n in range(40))
    long = tuple((n, *range(60, 75)) for n in range(40, 44))
    whole = AnswerPaths.of(answers_of(short + long))
    groups = whole.groups()
    assert [group.longest for group in groups] == [15, 2]
    assert sorted(path for group in groups for path in group.tokens) == whole.tokens
    # Every token that is scored is so in one group, and belongs to the same labels.
    np.testing.assert_array_equal(
        sum(group.members.sum(axis=0) for group in groups), whole.members.sum(axis=0)
    )
    for group in groups:
        for row, depth, token, labels in zip(
            group.entry_paths, group.entry_depths, group.entry_tokens, group.members, strict=True
        ):
            answers = [(short + long)[label] for label in np.flatnonzero(labels)]
            assert all(
                answer[: depth + 1] == (*group.tokens[row][:depth], token) for answer in answers
            )
    assert len(AnswerPaths.of(answers_of(((1,), (2, 3)))).groups()) == 1


def test_a_cache_that_is_wrong_or_fails_is_found_out():
    model = language_model("gpt2")
    answers = answers_of(ANSWERS["several tokens"])
    plain = PlainScorer(model, output_layers(model), answers)
    scorer = CachedScorer(model, answers, NO_OPENING)
    _, sample = prompts((5, 9))
    assert agrees_with(scorer, plain, (sample, sample), planner())

    class Wrong(keras_hub.models.GPT2CausalLM):
        def call_with_cache(self, *args):
            logits, hidden, cache = super().call_with_cache(*args)
            return logits * 1.5, hidden, cache

    class Failing(keras_hub.models.GPT2CausalLM):
        def call_with_cache(self, *args):
            raise NotImplementedError("one token at a time")

    for cls in (Wrong, Failing):
        broken = cls(model.backbone, model.preprocessor)
        wrong = CachedScorer(broken, answers, NO_OPENING)
        assert not agrees_with(wrong, plain, (sample, sample), planner())
        classifier = TextToTextClassifier(broken, ["ham", "spam"], prompt=SHORT)
        assert classifier.scorer == "plain"


def test_the_memory_for_logits_bounds_a_batch(monkeypatch):
    """However little there is, every text is scored, and equally."""
    from keras_textcls.text_to_text import cached_scoring as scoring

    model = language_model("gpt2")
    answers = answers_of(ANSWERS["several tokens"])
    _, texts = prompts(RAGGED)
    expected = CachedScorer(model, answers, NO_OPENING).score(texts, planner(), verbose=0)
    monkeypatch.setattr(scoring, "_MOST_LOGITS", 1)
    monkeypatch.setattr(scoring, "_MOST_CACHED", 1)
    found = CachedScorer(model, answers, NO_OPENING).score(texts, planner(), verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    narrow = dataclasses.replace(planner(), token_budget=1)
    found = CachedScorer(model, answers, NO_OPENING).score(texts, narrow, verbose=0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize("kind", long_but(["gpt_neo"], KINDS))
def test_texts_that_fill_the_sequence(kind):
    """With the opening before them, padding reaches past the positions that there are."""
    model, arguments = language_model(kind), {"labels": ["ham", "spam"], "content_free": None}
    texts = ["w" * 200, "w" * 140, "w" * 20]
    expected = TextToTextClassifier(model, scorer="plain", **arguments).predict(texts, verbose=0)
    found = TextToTextClassifier(model, **arguments).predict(texts, verbose=0)
    assert np.isfinite(expected).all()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("kind", long_but(["gpt_neo"], KINDS))
def test_nothing_between_an_empty_text_and_its_answer(kind):
    prompt = {"instruction": "Choose {labels}.", "turn": "\n{text}\n{answer}"}
    arguments = {"labels": ["ham", "spam"], "prompt": prompt, "content_free": ""}
    model = language_model(kind)
    plain = TextToTextClassifier(model, scorer="plain", **arguments)
    quick = TextToTextClassifier(model, **arguments)
    for texts in (["hello", ""], [""]):
        expected = plain.predict(texts, verbose=0)
        np.testing.assert_allclose(quick.predict(texts, verbose=0), expected, rtol=1e-4, atol=1e-3)
