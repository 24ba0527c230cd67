"""Checkpoints that cannot be used, each with its message."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from huggingface.checkpoints import save_checkpoint
from keras_textcls import PresetError, TextClassifier

WEIGHTS = "model.safetensors"


def _config(folder, **changes):
    path = folder / "config.json"
    contents = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({k: v for k, v in contents.items() if v is not ...}))


def _tensors(folder, change):
    tensors = load_file(folder / WEIGHTS)
    change(tensors)
    save_file(tensors, folder / WEIGHTS)


def _refused(folder, *messages):
    with pytest.raises(PresetError) as caught:
        TextClassifier.from_preset(folder)
    for message in messages:
        assert message in str(caught.value)


def test_an_unknown_architecture(copied):
    folder = copied()
    _config(folder, model_type="bart", architectures=["BartForSequenceClassification"])
    _refused(folder, "'BartForSequenceClassification'", "Known are: BertForSequenceClassification,")


def test_deberta_of_the_first_version(copied):
    folder = copied("DebertaV2")
    _config(folder, model_type="deberta", architectures=["DebertaForSequenceClassification"])
    _refused(folder, "model type 'deberta'", "DebertaV2ForSequenceClassification")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (dict(id2label={"0": "a", "2": "b", "3": "c"}), "must run from 0 to 2"),
        (dict(id2label={"0": "a", "1": "b"}), "names 2 labels in `id2label`, but the head has 3"),
        (dict(id2label={"0": "a", "1": "a", "2": "b"}), "must not repeat a name"),
        (dict(id2label=["a", "b", "c"]), "`id2label` must map ids to names"),
        (dict(id2label={"0": "a"}), "is no classifier: it predicts a number"),
        (dict(problem_type="regression"), "Pass labels=[...] for a new head"),
        (dict(hidden_act="relu"), "has hidden_act='relu', which Keras Hub's BertBackbone cannot"),
        (dict(layer_norm_eps=1e-3), "has layer_norm_eps=0.001"),
        (dict(is_decoder=True), "has is_decoder=True"),
        (dict(position_embedding_type="relative_key"), "position_embedding_type='relative_key'"),
        (dict(hidden_size="many"), "hidden_size='many'; a positive integer is needed"),
        (dict(num_hidden_layers=3), "encoder.layer.2.attention.output.LayerNorm.bias"),
        (dict(num_hidden_layers=1), "hold 16 tensors"),
        (dict(vocab_size=7), "asks for (7, 24)"),
    ],
)
def test_bad_settings(changes, message, copied):
    folder = copied()
    _config(folder, **changes)
    _refused(folder, message)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("conv_kernel_size", 3), ("share_att_key", False), ("position_buckets", -1),
        ("relative_attention", False), ("position_biased_input", True), ("pos_att_type", "c2p"),
        ("norm_rel_ebd", "none"), ("type_vocab_size", 2), ("max_relative_positions", 7),
        ("pooler_hidden_act", "tanh"), ("embedding_size", 12),
    ],
)  # fmt: skip
def test_settings_of_deberta_that_keras_hub_lacks(name, value, copied):
    folder = copied("DebertaV2")
    _config(folder, **{name: value})
    _refused(folder, f"{name}={value!r}")


def test_missing_tensors(copied):
    folder = copied()
    _tensors(folder, lambda t: t.pop("classifier.bias"))
    _refused(folder, "lack 1 of", "classifier.bias")


def test_tensors_in_excess(copied):
    folder = copied()
    _tensors(folder, lambda t: t.update({"bert.encoder.gate": np.zeros(3, "float32")}))
    _refused(folder, "BertForSequenceClassification has no place for: encoder.gate")


def test_buffers_and_unused_poolers_are_passed_over(copied):
    folder = copied("Roberta")
    extra = {
        "roberta.embeddings.position_ids": np.arange(34)[None],
        "roberta.pooler.dense.weight": np.zeros((24, 24), "float32"),
    }
    _tensors(folder, lambda t: t.update(extra))
    assert len(TextClassifier.from_preset(folder).labels) == 3


def test_integers_for_weights(copied):
    folder = copied()
    _tensors(folder, lambda t: t.update({"classifier.bias": np.zeros(3, "int8")}))
    _refused(folder, "'classifier.bias'", "type I8")


@pytest.mark.parametrize("size", [0, 5, 100, -10])
def test_cut_short(size, copied):
    path = copied() / WEIGHTS
    path.write_bytes(path.read_bytes()[:size])
    _refused(path.parent, "model.safetensors of the preset", "broken or cut short")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "tf_model.h5"])
def test_pickles_are_not_read(name, copied):
    folder = copied()
    (folder / WEIGHTS).rename(folder / name)
    _refused(folder, f"only {name}, which is not read", "save_pretrained")


def _index(folder, shard):
    names = list(load_file(folder / WEIGHTS))
    contents = {"weight_map": dict.fromkeys(names, shard)}
    (folder / f"{WEIGHTS}.index.json").write_text(json.dumps(contents))


@pytest.mark.parametrize("shard", ["../other.safetensors", "/etc/passwd", "a\\b", ".."])
def test_shards_elsewhere(shard, copied):
    folder = copied()
    _index(folder, shard)
    (folder / WEIGHTS).rename(folder.parent / "other.safetensors")
    _refused(folder, "names a file outside of the preset")


def test_missing_shards(copied):
    folder = copied()
    _index(folder, "model-1.safetensors")
    (folder / WEIGHTS).unlink()
    _refused(folder, "names 'model-1.safetensors', which is missing")


def test_shards_without_their_tensors(copied):
    folder = copied()
    _index(folder, "model-1.safetensors")
    (folder / WEIGHTS).rename(folder / "model-1.safetensors")
    _tensors_of = folder / "model-1.safetensors"
    tensors = load_file(_tensors_of)
    tensors.pop("classifier.bias")
    save_file(tensors, _tensors_of)
    _refused(folder, "lack 1 tensors that model.safetensors.index.json names")


def test_a_tokenizer_of_another_kind(copied, saved):
    folder = copied("Roberta")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((saved("Bert")[0] / name).read_bytes())
    _refused(folder, "has a WordPiece tokenizer", "preprocessor=None")
    assert TextClassifier.from_preset(folder, preprocessor=None).preprocessor is None


def test_no_tokenizer(copied):
    folder = copied("Bert")
    (folder / "tokenizer.json").unlink()
    _refused(folder, "has no tokenizer", "tokenizer.json or vocab.txt")


def test_a_vocabulary_without_special_tokens(copied):
    folder = copied("Bert")
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.txt").write_text("[UNK]\nthe\n")
    _refused(folder, "tokenizer of the preset", "in the provided vocabulary")


def test_punctuation_split_in_deberta(tmp_path):
    save_checkpoint("DebertaV2", tmp_path)
    path = tmp_path / "tokenizer_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "split_by_punct": True}))
    _refused(tmp_path, "split_by_punct=true")


def test_names_that_only_label2id_holds(copied):
    folder = copied()
    path = folder / "config.json"
    config = json.loads(path.read_text())
    names = config.pop("id2label")
    config["label2id"] = {name: int(i) for i, name in names.items()}
    path.write_text(json.dumps(config))
    loaded = TextClassifier.from_preset(folder)
    assert loaded.labels == [names[str(i)] for i in range(len(names))]
    config["label2id"] = dict.fromkeys(names.values(), 0)
    path.write_text(json.dumps(config))
    with pytest.raises(PresetError, match="`label2id` must map names to different ids"):
        TextClassifier.from_preset(folder)


def test_a_trained_head_that_is_a_pickle_is_told_of(copied):
    folder = copied()
    (folder / "model_head.pkl").write_bytes(b"never read")
    with pytest.warns(UserWarning, match="holds a trained head in model_head.pkl, which is not"):
        TextClassifier.from_preset(folder, labels=["a", "b"])
