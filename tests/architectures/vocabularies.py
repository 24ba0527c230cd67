"""Tokenizer vocabularies made in code: WordPiece, byte-pair, SentencePiece and RWKV.

Each builder covers the same handful of whole words and every printable ASCII character, so any
ASCII text becomes real tokens. Nothing here reads a file or the network, and nothing resembles the
vocabulary of a published checkpoint beyond the special tokens that the tokenizer class demands.
"""

import collections
import functools
import io
import itertools
import string

WORDS = tuple(
    "the quick brown fox jumped over a lazy dog and cat sat on mat this that film was good bad "
    "great terrible awful boring fun love hate it is not very I you we they book story with of in "
    "airplane at airport".split()
)
CHARACTERS = string.ascii_letters + string.digits + string.punctuation


def wordpiece(specials):
    """Return a WordPiece vocabulary: `specials` first, then characters, then whole words."""
    pieces = [*specials, *CHARACTERS, *(f"##{c}" for c in CHARACTERS)]
    return pieces + [word for word in WORDS if word not in CHARACTERS]


def _byte_alphabet():
    """Return the printable symbol that stands for each byte in byte-level byte-pair encoding.

    Printable Latin-1 bytes stand for themselves; the others take the code points from 256 up.
    """
    printable = {*range(33, 127), *range(161, 173), *range(174, 256)}
    symbols, spare = [], 256
    for byte in range(256):
        if byte in printable:
            symbols.append(chr(byte))
        else:
            symbols.append(chr(spare))
            spare += 1
    return tuple(symbols)


@functools.cache
def _merges():
    """Learn the byte-pair merges that build each of `WORDS`, bare and after a space."""
    space = _byte_alphabet()[ord(" ")]
    words = [list(prefix + word) for word in WORDS for prefix in ("", space)]
    merges = []
    while True:
        pairs = collections.Counter(pair for word in words for pair in itertools.pairwise(word))
        if not pairs:
            return tuple(merges)
        left, right = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(f"{left} {right}")
        for word in words:
            for i in range(len(word) - 2, -1, -1):
                if word[i : i + 2] == [left, right]:
                    word[i : i + 2] = [left + right]


def byte_pair(first=(), last=()):
    """Return the `vocabulary` and `merges` arguments of a byte-level byte-pair tokenizer.

    Args:
        first: Special tokens with the lowest ids, in order.
        last: Special tokens with the highest ids, in order.
    """
    merges = list(_merges())
    tokens = [*first, *_byte_alphabet(), *(merge.replace(" ", "") for merge in merges), *last]
    vocabulary = {}
    for token in tokens:
        vocabulary.setdefault(token, len(vocabulary))
    return {"vocabulary": vocabulary, "merges": merges}


@functools.cache
def sentence_piece(
    pad=None, eos=None, bos=None, unk="<unk>", order=("pad", "eos", "bos", "unk"), controls=()
):
    """Train a small SentencePiece model in memory and return its serialised proto.

    Args:
        pad: The padding piece, or `None` for a model without one.
        eos: The end piece, or `None`.
        bos: The start piece, or `None`.
        unk: The piece for unknown text.
        order: Which of these get ids 0, 1, 2...; absent ones take no id.
        controls: More special pieces, which no text produces, after those in `order`.
    """
    import sentencepiece

    pieces = {"pad": pad, "eos": eos, "bos": bos, "unk": unk}
    present = [key for key in order if pieces[key] is not None]
    special = {f"{key}_id": present.index(key) if key in present else -1 for key in pieces}
    special.update({f"{key}_piece": pieces[key] for key in present})
    lines = [" ".join(WORDS), *WORDS, *(f"{word} {word}" for word in WORDS)]
    lines += [" ".join(CHARACTERS), CHARACTERS]
    proto = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines),
        model_writer=proto,
        model_type="unigram",
        vocab_size=256,
        hard_vocab_limit=False,
        character_coverage=1.0,
        normalization_rule_name="nmt_nfkc",
        control_symbols=list(controls),
        num_threads=1,
        minloglevel=2,
        **special,
    )
    return proto.getvalue()


def rwkv():
    """Return an RWKV vocabulary: one line of id, Python literal and length in bytes for each token.

    Id 0 is left for padding, as in the published vocabulary, so ids run from 1 to the length.
    """
    tokens = [bytes([byte]) for byte in range(256)] + [b"\n\n"]
    tokens += [(space + word).encode() for word in WORDS for space in ("", " ")]
    tokens = list(dict.fromkeys(tokens))
    return [f"{i} {token!r} {len(token)}\n" for i, token in enumerate(tokens, start=1)]
