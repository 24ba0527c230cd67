"""`TextToText`: completion as transformers completes, training on pairs."""

import keras
import keras_hub
import numpy as np
import pytest
from conftest import long_but
from small_language_models import END, language_model, letter_tokenizer, prompt_ids, write_oracle

from keras_textcls import ArgumentError, InvalidDataError, TextToText

PROMPTS = ["see you at six", "x", "win cash now and then some more", "spam"]


@pytest.fixture(scope="module", params=long_but(["gpt_neo"], ["gpt_neo", "gpt2"]))
def both(request, tmp_path_factory):
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp(request.param)
    oracle = write_oracle(request.param, folder)
    return oracle, TextToText.from_preset(str(folder))


@pytest.fixture
def model():
    return TextToText(language_model())


def test_greedy_completion_is_that_of_transformers(both):
    import torch

    oracle, model = both
    tokenizer = letter_tokenizer()
    expected = []
    for prompt in PROMPTS:
        ids = torch.tensor([prompt_ids(tokenizer, prompt)])
        made = oracle.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=20, do_sample=False,
            eos_token_id=END, pad_token_id=END,
        )  # fmt: skip
        kept = [int(i) for i in made[0] if int(i) != END]
        expected.append(str(tokenizer.detokenize(np.array(kept, "int32"))))
    found = [model.generate(prompt, max_new_tokens=20) for prompt in PROMPTS]
    assert found == expected


def test_order_and_company(both):
    _, model = both
    alone = [model.generate(prompt, max_length=45) for prompt in PROMPTS]
    assert all(isinstance(text, str) for text in alone)
    assert all(text.startswith(prompt) for text, prompt in zip(alone, PROMPTS, strict=True))
    assert model.generate(PROMPTS, max_length=45) == alone
    assert model.generate(PROMPTS[::-1], max_length=45, batch_size=2) == alone[::-1]
    assert model.generate(PROMPTS[:1], max_length=45) == alone[:1]
    stripped = model.generate(PROMPTS, max_length=45, strip_prompt=True)
    assert [p + s for p, s in zip(PROMPTS, stripped, strict=True)] == alone


def test_the_length_of_a_completion(both):
    _, model = both
    tokenizer = letter_tokenizer()
    at_most = len(prompt_ids(tokenizer, "see you")) + 2
    assert model.generate("see you", max_length=at_most) == model.generate(
        "see you", max_new_tokens=2
    )


def test_no_room_for_a_completion(model):
    with pytest.raises(ArgumentError, match=r"Prompt 1 has 8 tokens, and at most 4.*`max_length`"):
        model.generate(["x", "see you"], max_length=4)
    with pytest.raises(ArgumentError, match="at most 256"):
        model.generate("word " * 80)


def test_samplers(model):
    assert model.generate("see you", max_new_tokens=3, sampler="top_k").startswith("see you")
    sampler = keras_hub.samplers.TopPSampler(p=0.5, seed=3)
    assert model.generate("see you", max_new_tokens=3, sampler=sampler).startswith("see you")
    greedy = model.generate("see you", max_new_tokens=3)
    assert greedy == model.generate("see you", max_new_tokens=3, sampler="greedy")
    for wrong in ("best", 3, None):
        with pytest.raises(ArgumentError, match="`sampler` must be the name of a sampler"):
            model.generate("x", sampler=wrong)


@pytest.mark.compiled
def test_fit_learns_responses(model):
    prompts = [f"{a} + {b} =" for a in range(4) for b in range(4)]
    responses = [f" {a + b}" for a in range(4) for b in range(4)]
    model.compile(optimizer=keras.optimizers.Adam(3e-3))
    before = model.evaluate(prompts, responses, verbose=0, return_dict=True)
    history = model.fit(
        prompts, responses, batch_size=4, epochs=15, seed=1, verbose=0,
        validation_data=(prompts[:4], responses[:4]),
    ).history  # fmt: skip
    assert {"loss", "answer_accuracy", "val_loss", "val_answer_accuracy"} == set(history)
    after = model.evaluate(prompts, responses, verbose=0, return_dict=True)
    assert after["loss"] < before["loss"] / 3
    made = model.generate(prompts, max_new_tokens=3, strip_prompt=True)
    right = sum(a == b for a, b in zip(made, responses, strict=True))
    assert right >= 6


@pytest.mark.parametrize(
    ("prompts", "responses", "message"),
    [
        (["x", "y"], [" a"], "There are 2 prompts and 1 responses"),
        (["x"], [" a" * 200], "Response 0 has 401 tokens, but a sequence has room for 256"),
        ([], [], "text"),
        (["x"], [3], "3"),
    ],
)
def test_pairs_that_cannot_be_learnt(model, prompts, responses, message):
    with pytest.raises(InvalidDataError, match=message):
        model.fit(prompts, responses, verbose=0)


def test_an_empty_prompt_begins_a_text(model):
    """The start token stands for it."""
    assert np.isfinite(model.evaluate([""], [" a"], verbose=0)).all()
    model.preprocessor.add_start_token = False
    with pytest.raises(InvalidDataError, match="Prompt 0 is empty"):
        model.fit([""], [" a"], verbose=0)


def test_of_a_long_prompt_the_end_is_read(model):
    end = "the end of it all, and no more"
    model.sequence_length = 24
    found = [
        model.evaluate([start + end], [" ok"], verbose=0)[0]
        for start in ("a beginning " * 9, "another one " * 9)
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)


def test_weights_of_pairs(model):
    losses = [model.evaluate([p], [" a"], verbose=0)[0] for p in PROMPTS]
    weighted = model.evaluate(PROMPTS, [" a"] * 4, sample_weight=[1, 0, 0, 3], verbose=0)[0]
    np.testing.assert_allclose(weighted, (losses[0] + 3 * losses[3]) / 4, rtol=1e-5)


@pytest.mark.compiled
def test_adapters_and_presets(model, tmp_path):
    model.save_to_preset(tmp_path / "base")
    again = TextToText.from_preset(tmp_path / "base")
    expected = again.generate(PROMPTS, max_length=50)
    assert expected == model.generate(PROMPTS, max_length=50)
    again.add_lora(rank=2, dropout=0.0, seed=0)
    again.compile(optimizer=keras.optimizers.Adam(0.05))
    again.fit(PROMPTS, [" yes"] * 4, epochs=3, verbose=0)
    loss = again.evaluate(PROMPTS, [" yes"] * 4, verbose=0)[0]
    again.save_to_preset(tmp_path / "adapter", adapter_only=True)
    third = TextToText.from_preset(tmp_path / "adapter")
    np.testing.assert_allclose(third.evaluate(PROMPTS, [" yes"] * 4, verbose=0)[0], loss, rtol=1e-4)


def test_a_config_goes_round(model):
    again = TextToText.from_config(model.get_config())
    assert again.backbone.get_config()["hidden_dim"] == 32
    assert again.sequence_length == model.sequence_length


def test_each_prompt_has_its_own_end(both):
    _, model = both
    prompts = ["see you", "x" * 90, "win cash now"]
    alone = [model.generate(prompt, max_new_tokens=8) for prompt in prompts]
    assert model.generate(prompts, max_new_tokens=8) == alone


def test_a_sampler_holds_where_another_model_shares_the_weights():
    language = language_model(seed=5)
    one, other = TextToText(language), TextToText(language)
    greedy = one.generate("the", sampler="greedy", max_new_tokens=6)
    other.generate("a", sampler="top_k", max_new_tokens=2)
    assert isinstance(language.sampler, keras_hub.samplers.TopKSampler)
    assert one.generate("the", sampler="greedy", max_new_tokens=6) == greedy
    assert isinstance(language.sampler, keras_hub.samplers.GreedySampler)


def test_signs_in_a_prompt_are_stripped_with_it(model):
    prompt = "a <|endoftext|> b"
    whole = model.generate(prompt, max_new_tokens=8)
    rest = model.generate(prompt, max_new_tokens=8, strip_prompt=True)
    assert rest
    assert whole == "a  b" + rest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "`batch_size` must be a positive integer"),
        ({"max_length": "8"}, "`max_length` must be a positive integer"),
        ({"max_new_tokens": 1.5}, "`max_new_tokens` must be a positive integer"),
        ({"max_new_tokens": 0}, "`max_new_tokens` must be a positive integer"),
        ({"max_length": 0}, "`max_length` must be a positive integer"),
        ({"max_new_tokens": True}, "`max_new_tokens` must be a positive integer"),
    ],
)
def test_wrong_lengths(model, arguments, message):
    with pytest.raises(ArgumentError, match=message):
        model.generate(["a"], **arguments)


def test_pairs_of_texts_are_refused(model):
    with pytest.raises(InvalidDataError, match="`x` holds text pairs"):
        model.fit((["q"], ["context"]), [" a"])
    with pytest.raises(InvalidDataError, match="`prompts` holds text pairs"):
        model.generate((["a"], ["b"]))
    with pytest.raises(InvalidDataError, match="`y`"):
        model.fit(["q"], None)


def test_a_share_is_held_out(model):
    prompts, responses = [f"{i} is" for i in range(10)], [f" {i}" for i in range(10)]
    history = model.fit(prompts, responses, validation_split=0.3, seed=0, verbose=0).history
    assert np.isfinite(history["val_loss"]).all()
    with pytest.raises(ArgumentError, match="`validation_data` must be"):
        model.fit(prompts, responses, validation_data=["a"], verbose=0)
    with pytest.raises(ArgumentError, match="`validation_split` must be"):
        model.fit(prompts, responses, validation_split=1.5, verbose=0)


def test_a_checkpoint_has_no_place_for_adapters(model, tmp_path):
    model.add_lora(rank=2)
    model.fit(["2 + 2 ="] * 4, [" 4"] * 4, verbose=0)
    with pytest.raises(ArgumentError, match=r"Call merge_lora\(\) before"):
        model.causal_lm.save_to_huggingface(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    expected = model.evaluate(["2 + 2 ="], [" 4"], verbose=0)[0]
    model.merge_lora()
    model.causal_lm.save_to_huggingface(tmp_path / "out")
    loaded = TextToText.from_preset(tmp_path / "out")
    found = loaded.evaluate(["2 + 2 ="], [" 4"], verbose=0)[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_prompt_that_is_cut_keeps_its_start_token(model):
    model.sequence_length = 12
    long, short = "see you at six and bring chairs", "x"
    start = model.preprocessor.tokenizer.start_token_id
    encoded = model._reader("fit").read([long, short], ["ok", "ok"]).whole
    rows = np.split(encoded.texts.flat["token_ids"], np.cumsum(encoded.texts.lengths)[:-1])
    assert [row[0] for row in rows] == [start, start]
    assert len(rows[0]) == 12
