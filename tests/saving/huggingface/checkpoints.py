"""Small random checkpoints as `transformers` saves them, one of each architecture."""

import dataclasses
import warnings

import numpy as np
import torch
import transformers
from architectures import vocabularies
from architectures.vocabularies import WORDS
from conftest import STEP_BY_STEP

from keras_textcls import TextClassifier

# Prints a bar for every file it saves or loads otherwise.
transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()

_SIZES = dict(
    hidden_size=24, num_hidden_layers=2, num_attention_heads=3, intermediate_size=40,
    max_position_embeddings=32,
)  # fmt: skip
# RoBERTa's positions begin after the id of its padding token.
_ROBERTA = {**_SIZES, "max_position_embeddings": 34, "layer_norm_eps": 1e-5}


def _word_piece(**kwargs):
    pieces = vocabularies.wordpiece(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    pieces += ["é", "中", "文", "##é"]
    return transformers.BertTokenizer(vocab={p: i for i, p in enumerate(pieces)}, **kwargs)


def _byte_pair(cls, first, last=()):
    parts = vocabularies.byte_pair(first=first, last=last)
    merges = [tuple(m.split(" ")) for m in parts["merges"]]
    return cls(vocab=parts["vocabulary"], merges=merges)


def _pieces(proto):
    import sentencepiece

    model = sentencepiece.SentencePieceProcessor(model_proto=proto)
    return [(model.id_to_piece(i), model.get_score(i)) for i in range(model.get_piece_size())]


def _xlm_roberta():
    proto = vocabularies.sentence_piece(bos="<s>", eos="</s>", order=("unk", "bos", "eos"))
    pieces = _pieces(proto)
    vocab = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *pieces[3:]]
    return transformers.XLMRobertaTokenizer(vocab=[*vocab, ("<mask>", 0.0)])


def _albert():
    specials = dict(pad="<pad>", order=("pad", "unk"), controls=("[CLS]", "[SEP]", "[MASK]"))
    return transformers.AlbertTokenizer(vocab=_pieces(vocabularies.sentence_piece(**specials)))


def _deberta():
    proto = vocabularies.sentence_piece(
        pad="[PAD]", bos="[CLS]", eos="[SEP]", unk="[UNK]", order=("pad", "bos", "eos", "unk")
    )
    return transformers.DebertaV2Tokenizer(vocab=[*_pieces(proto), ("[MASK]", 0.0)], unk_id=3)


def _gpt2():
    return _byte_pair(transformers.GPT2Tokenizer, (), ("<|endoftext|>",))


def _roberta():
    return _byte_pair(transformers.RobertaTokenizer, ("<s>", "<pad>", "</s>", "<unk>"), ("<mask>",))


@dataclasses.dataclass(frozen=True)
class Case:
    """How to make a checkpoint of one architecture: its class name, tokenizer and settings."""

    name: str
    tokenizer: object
    config: dict

    def config_class(self):
        return getattr(transformers, f"{self.name}Config")

    def model_class(self):
        return getattr(transformers, f"{self.name}ForSequenceClassification")


CASES = {
    case.name: case
    for case in (
        Case("Bert", _word_piece, _SIZES),
        Case(
            "DistilBert", _word_piece,
            dict(dim=24, n_layers=2, n_heads=3, hidden_dim=40, max_position_embeddings=32),
        ),
        Case("Roberta", _roberta, _ROBERTA),
        Case("XLMRoberta", _xlm_roberta, _ROBERTA),
        Case("Albert", _albert, {**_SIZES, "embedding_size": 16, "num_hidden_layers": 4,
                                 "num_hidden_groups": 2, "inner_group_num": 2}),
        Case(
            "DebertaV2", _deberta,
            dict(_SIZES, relative_attention=True, position_buckets=4, share_att_key=True,
                 norm_rel_ebd="layer_norm", pos_att_type="p2c|c2p", position_biased_input=False),
        ),
        Case("Electra", _word_piece, {**_SIZES, "embedding_size": 16}),
        Case("GPT2", _gpt2, dict(n_embd=24, n_layer=2, n_head=3, n_positions=32)),
    )
}  # fmt: skip
NAMES = list(CASES)
LABELS = ["sad", "neutral", "glad"]


def randomize(model, seed=0, scale=0.15):
    """Weights of the scale that trained ones have: small matrices, gains around one."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            noise = torch.randn(weight.shape, generator=generator) * scale
            is_gain = "norm" in name.lower() or "ln_" in name
            weight.copy_(noise + (1.0 if is_gain and name.endswith("weight") else 0.0))
    return model


def make_model(name, tokenizer, labels=LABELS, seed=0, scale=0.15, **changes):
    case = CASES[name]
    settings = {**case.config, "vocab_size": len(tokenizer)}
    for key in ("pad", "bos", "eos"):
        settings[f"{key}_token_id"] = getattr(tokenizer, f"{key}_token_id")
    if name == "GPT2":
        settings["pad_token_id"] = tokenizer.eos_token_id
    settings.update(id2label=dict(enumerate(labels)))
    settings["label2id"] = {label: i for i, label in enumerate(labels)}
    model = case.model_class()(case.config_class()(**{**settings, **changes}))
    return randomize(model, seed, scale).eval()


def save_checkpoint(name, directory, labels=LABELS, tokenizer_options=None, **changes):
    """Save a random checkpoint; return the model of `transformers` and its tokenizer."""
    case = CASES[name]
    tokenizer = case.tokenizer(**(tokenizer_options or {}))
    if name == "GPT2":
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.model_max_length = 32
    model = make_model(name, tokenizer, labels, **changes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(directory)
        tokenizer.save_pretrained(directory)
    return model, tokenizer


def logits(model, tokenizer, texts):
    """What `transformers` answers, one text at a time."""
    rows = []
    for text in texts:
        first, second = text if isinstance(text, tuple) else (text, None)
        encoded = tokenizer(first, second, truncation=True, return_tensors="pt")
        with torch.no_grad():
            rows.append(model(**encoded).logits[0].numpy())
    return np.array(rows)


def load(*args, **kwargs):
    """A classifier that runs without being compiled, which takes longest here."""
    classifier = TextClassifier.from_preset(*args, **kwargs)
    classifier.compile(run_eagerly=STEP_BY_STEP)
    return classifier


def texts():
    """Short, long past truncation, with capitals, punctuation and unknown characters."""
    rng = np.random.default_rng(0)
    made = [" ".join(rng.choice(WORDS, n)) for n in (1, 2, 5, 9, 17, 60)]
    return [*made, "The QUICK brown Fox!", "don't, (really) 3.5% #tag", "unseen zebra words"]
