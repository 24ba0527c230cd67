"""Texts of many scripts and of no sense, for tests of tokenizers."""

import numpy as np

SENTENCES = [
    "The quick brown fox jumped over the lazy dog.",
    "I'd say it's 12,345.67 km -- isn't it? (We'll see; they've left.)",
    "Café naïve Ångström ǅ İstanbul STRASSE straße \u017f",
    "Жёлтый поезд ушёл в 7:45",
    "هذا نص قصير باللغة العربية",
    "यह हिन्दी में एक वाक्य है",
    "これは日本語の文です。東京",
    "한국어 문장입니다",
    "ไม่มีช่องว่าง",
    "Ελληνικά ΣΊΣΥΦΟΣ",
    "emoji 😀👩‍👩‍👧 and flags 🇩🇪 ok",
    "tabs\tand\nnew lines\r\n\r\n twice",
    "  leading, double  and trailing space  ",
    "no\u00a0break \u2009thin \u3000wide space",
    "[CLS] [SEP] <s> </s> <pad> <|endoftext|> [MASK] <mask>",
    "x" * 150,
    "http://example.org/?q=1&r=2#top user@example.org @someone #tag",
    "\u096c six \u0134 hat e\u0301 combining",
    "",
    " ",
]


def many_texts(count=600, seed=0):
    """Sentences, and mixtures of their characters."""
    rng = np.random.default_rng(seed)
    alphabet = list("".join(SENTENCES))
    texts = list(SENTENCES)
    while len(texts) < count:
        if len(texts) % 2:
            texts.append("".join(rng.choice(alphabet, rng.integers(1, 40))))
        else:
            texts.append(" ".join(rng.choice(SENTENCES, rng.integers(1, 4))))
    return texts
