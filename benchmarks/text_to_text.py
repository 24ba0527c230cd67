"""Labels scored a second, and tokens generated a second, by a small GPT-Neo on the processor.

    python benchmarks/text_to_text.py ../shared/data [--backend torch] [--threads 1]

Scoring: 2, 10 and 77 labels, by the tree (prompt and answers in one pass) and by
copies of the prompt's cache, against one whole pass a label with all its logits
(the naive way), and against a pass a label with the logits of the answers alone.
All four take the same prompts in batches of the same kind, and their scores must
agree. Generation: 8 prompts and 1, 64 new tokens, greedy, against `transformers`
on the same weights. Weights are random: speed does not depend on them.
"""

from __future__ import annotations

import argparse
import csv
import functools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPEATS = 3
SETS = {2: ("sms_spam", "test"), 10: ("clinc150", "test"), 77: ("banking77", "test")}
NEW_TOKENS = 64


def main() -> None:
    """Read the arguments; print two Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("data", type=Path)
    parser.add_argument("--backend", default="torch", choices=("torch", "jax", "tensorflow"))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--texts", type=int, default=64)
    parser.add_argument("--labels", type=int, nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=8000)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = arguments.backend
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(arguments.threads)
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    model = make_model(arguments)
    print(
        f"{model.backbone.count_params():,} weights, {arguments.backend}, {arguments.threads} "
        f"threads, float32 matrix rate {matrix_rate():.0f} GFLOP/s, {REPEATS} repeats in turn, "
        "median"
    )
    score(model, arguments)
    generate(model, arguments)


def read(data: Path, name: str, part: str) -> tuple[list[str], list[str]]:
    """Texts and label names of a set."""
    with (data / name / f"{part}.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [row["label"] for row in rows]


def make_model(arguments: argparse.Namespace) -> Any:
    """A GPT-Neo with random weights, and a byte-pair vocabulary of the texts."""
    import keras
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    from keras_textcls.models import (
        GPTNeoBackbone,
        GPTNeoCausalLM,
        GPTNeoCausalLMPreprocessor,
        GPTNeoTokenizer,
    )

    keras.utils.set_random_seed(0)
    learned = Tokenizer(models.BPE())
    learned.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=arguments.vocabulary,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = [text for name, part in SETS.values() for text in read(arguments.data, name, part)[0]]
    learned.train_from_iterator(texts, trainer)
    with tempfile.TemporaryDirectory() as folder:
        learned.model.save(folder)
        tokenizer = GPTNeoTokenizer(f"{folder}/vocab.json", f"{folder}/merges.txt")
    backbone = GPTNeoBackbone(
        learned.get_vocab_size(), arguments.layers, max(1, arguments.width // 64), arguments.width,
        max_sequence_length=1024,
    )  # fmt: skip
    return GPTNeoCausalLM(backbone, GPTNeoCausalLMPreprocessor(tokenizer, sequence_length=1024))


class NaiveScorer:
    """A whole pass a label: all logits of prompt and answer, as a language model gives them."""

    def __init__(self, causal_lm: Any, answers: Any) -> None:
        import keras
        from keras import ops

        from keras_textcls.text_to_text.answer_model import answer_log_likelihoods

        self._answers = answers
        inputs = {
            name: keras.Input((None,), dtype="int32", name=name)
            for name in ("token_ids", "padding_mask", "answer_positions", "answer_ids")
        }
        logits = causal_lm({name: inputs[name] for name in ("token_ids", "padding_mask")})
        places = ops.expand_dims(inputs["answer_positions"], -1)
        answered = ops.take_along_axis(logits, places, axis=1)
        scores = answer_log_likelihoods(answered, inputs["answer_ids"])
        self._model = keras.Model(inputs, ops.expand_dims(scores, -1))

    def score(self, prompts: Any, planner: Any, **kwargs: Any) -> Any:
        """Score label after label."""
        import dataclasses

        import numpy as np

        from keras_textcls.batching.windows import Window, Windows
        from keras_textcls.execution.predict import predict_source
        from keras_textcls.text_to_text.prompt_encoding import with_answers

        columns = []
        for ids in self._answers.scored:
            answer = np.array(ids, "int32")
            texts, targets = with_answers(prompts, [answer] * len(prompts), len(answer))
            fixed = {**texts.fixed, "answer_ids": targets}
            window = Window(dataclasses.replace(texts, fixed=fixed))
            source = planner.inference(Windows.of(window))
            columns.append(predict_source(self._model, source, **kwargs))
        return np.concatenate(columns, axis=1)


def score(model: Any, arguments: argparse.Namespace) -> None:
    """Time the ways to score, and compare their scores."""
    import numpy as np

    from keras_textcls import TextToTextClassifier

    print("\n| labels | tokens of prompt | naive, texts/s | answers' logits | cached | tree |")
    print("|---:|---:|---:|---:|---:|---:|")
    for number in arguments.labels:
        name, part = SETS[number]
        texts, names = read(arguments.data, name, part)
        labels = sorted(set(names))[:number]
        texts = texts[:: max(1, len(texts) // arguments.texts)][: arguments.texts]
        calls: dict[str, Callable[[], Any]] = {}
        width = 0.0
        for kind in ("plain", "cached", "tree"):
            classifier = TextToTextClassifier(model, labels, content_free=None, scorer=kind)
            calls[kind] = functools.partial(classifier.predict, texts, verbose=0)
            if kind == "plain":
                naive = NaiveScorer(model, classifier._prompt_parts().answers)
                planner = classifier._planner()
                (window,) = classifier._reader("predict").read(texts, labelled=False)
                prompts = window.texts
                width = float(prompts.lengths.mean())
                calls["naive"] = functools.partial(naive.score, prompts, planner, verbose=0)
        outputs = {kind: call() for kind, call in calls.items()}
        for kind, values in outputs.items():
            np.testing.assert_allclose(values, outputs["naive"], atol=2e-3, err_msg=kind)
        seconds = time_in_turn(calls)
        base = len(texts) / seconds["naive"]
        ratios = (seconds["naive"] / seconds[kind] for kind in ("plain", "cached", "tree"))
        print(
            f"| {number} | {width:.0f} | {base:.2f} | "
            + " | ".join(f"{ratio:.1f} times" for ratio in ratios)
            + " |",
            flush=True,
        )


def generate(model: Any, arguments: argparse.Namespace) -> None:
    """Time generation beside that of transformers on the same weights."""
    import numpy as np
    import torch
    import transformers

    torch.set_num_threads(arguments.threads)
    model.compile(sampler="greedy")
    tokenizer = model.preprocessor.tokenizer
    with tempfile.TemporaryDirectory() as folder:
        model.save_to_huggingface(folder)
        other = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    texts, _ = read(arguments.data, "sms_spam", "test")
    words = " ".join(texts).split()
    print("\n| prompts | ours, tokens/s | transformers, tokens/s | ratio |\n|---:|---:|---:|---:|")
    for count in (1, 8):
        rows = [
            np.array(tokenizer(" ".join(words[i * 40 : i * 40 + 60])))[:32] for i in range(count)
        ]
        ids = np.stack(rows).astype("int32")
        padded = np.pad(ids, ((0, 0), (0, NEW_TOKENS)))
        mask = np.pad(np.ones_like(ids), ((0, 0), (0, NEW_TOKENS))).astype("bool")
        tokens = torch.tensor(ids, dtype=torch.long)

        def ours(padded: Any = padded, mask: Any = mask) -> Any:
            # These are tokens already.
            preprocessor, model.preprocessor = model.preprocessor, None
            output = model.generate(
                {"token_ids": padded, "padding_mask": mask}, stop_token_ids=None
            )["token_ids"]
            model.preprocessor = preprocessor
            return np.asarray(output)

        def theirs(tokens: Any = tokens) -> Any:
            with torch.no_grad():
                return other.generate(
                    tokens, max_new_tokens=NEW_TOKENS, do_sample=False, eos_token_id=None,
                    attention_mask=torch.ones_like(tokens), pad_token_id=0,
                ).numpy()  # fmt: skip

        assert (ours() == theirs()).mean() > 0.9, "other tokens"
        seconds = time_in_turn({"ours": ours, "theirs": theirs})
        made = count * NEW_TOKENS
        print(
            f"| {count} | {made / seconds['ours']:.0f} | {made / seconds['theirs']:.0f} | "
            f"{seconds['theirs'] / seconds['ours']:.2f} |"
        )


def time_in_turn(calls: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each, called in turn, after one call to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(REPEATS):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def matrix_rate() -> float:
    """Billions of float32 operations a second in a product of two matrices."""
    import torch

    one = torch.ones((2048, 2048))
    one @ one
    start = time.perf_counter()
    for _ in range(5):
        one @ one
    return 5 * 2 * 2048**3 / (time.perf_counter() - start) / 1e9


if __name__ == "__main__":
    main()
