"""Sort customer messages by what they are about, and see how well that works.

    python examples/customer_messages.py [FILE] [--output DIRECTORY]

FILE has the columns `text` and `label`; any file that `read` takes will do. Without
one, 252 messages written for this example are used. A fifth of each label is held out:
the model is trained on the rest, judged on the held-out texts beside a baseline
(scikit-learn's TF-IDF and logistic regression), and kept with a report page in
DIRECTORY. No network is needed: the model, `mini_encoder_en_uncased`, is part of the
package.
"""

import argparse
import os
import sys
import time
from pathlib import Path

from keras_textcls.cli.quiet_imports import quiet_imports

with quiet_imports():
    from keras_textcls import Report, Run, TextClassifier, TextDataset, evaluate, read, train
    from keras_textcls.errors import KerasTextclsError

MESSAGES = Path(__file__).parent / "data" / "customer_messages.csv"
NEW_MESSAGES = [
    "where is my parcel, it shoud have come on monday",
    "You charged my card two times!",
]


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a classifier and see how good it is.")
    parser.add_argument("file", nargs="?", type=Path, default=MESSAGES)
    parser.add_argument("--output", type=Path, default=Path("runs"), help="directory of the runs")
    options = parser.parse_args()

    dataset = read(options.file)
    if dataset.invalid_rows:
        print(dataset.invalid_rows)
    parts = dataset.split(train=0.8, validation=0, test=0.2, seed=0)
    print(f"{len(dataset)} texts: {len(parts.train)} to train on, {len(parts.test)} held out")

    start = time.monotonic()
    run = train(parts.train, output=options.output, name=options.file.stem, verbose=0)
    print(f"trained in {time.monotonic() - start:.0f} s\n")

    report = evaluate(run, parts.test)
    show_scores(report, baseline(parts.train, parts.test))
    show_errors(report)
    page = report.to_html(run.directory / "report.html")

    classifier = TextClassifier.from_preset(run.preset)
    if options.file == MESSAGES:
        print("\nnew messages:")
        for text, answer in zip(NEW_MESSAGES, classifier.classify(NEW_MESSAGES), strict=True):
            print(f"  {answer.label} {answer.score:.2f}: {text}")
    show_next_steps(run, page, options.file)


def baseline(training: TextDataset, test: TextDataset) -> Report | None:
    """What scikit-learn reaches on the same texts, if they have one label each."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if training.multi_label or training.text_pairs:
        return None
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    model.fit(training.texts, training.targets)
    return Report.from_predictions(
        test.targets,
        model.predict_proba(test.texts),
        labels=list(model.classes_),
        name="TF-IDF, logistic regression",
    )


def show_scores(report: Report, beside: Report | None) -> None:
    measure = "macro_f1" if report.multi_label else "accuracy"
    print(f"{measure} on the held-out texts, and where it would fall on others like them (95 %):")
    for name, one in (("this model", report), ("TF-IDF, logistic regression", beside)):
        if one is not None:
            score = one.metrics[measure]
            print(f"  {name:27}  {score.value:.2f}  {score.low:.2f} to {score.high:.2f}")


def show_errors(report: Report) -> None:
    wrong = report.errors(limit=None)
    order = ", the most confident first:" if wrong else ""
    print(f"\nwrong in {len(wrong)} of {len(report)}{order}")
    for one in wrong[:5]:
        answer = f"{named(one.predicted)} {one.score:.2f}"
        print(f"  {named(one.actual)}, answered {answer}: {one.text}")


def named(label: str | tuple[str, ...] | None) -> str:
    return label if isinstance(label, str) else ", ".join(label or ()) or "nothing"


def show_next_steps(run: Run, page: Path, file: Path) -> None:
    """Paths are printed as seen from the working directory."""
    shown, preset, data = (os.path.relpath(path) for path in (page, run.preset, file))
    output = os.path.relpath(run.directory.parents[1])
    print(f"""
all of it, with the texts behind each number:
  {shown}
use the classifier in Python:
  TextClassifier.from_preset("{preset}").classify(["..."])
look for wrong labels in the data, then for a better model:
  keras-textcls cross-validate {data} --label-errors 10
  keras-textcls train {data} --template fine_tuning --output {output} --name {run.name}""")


if __name__ == "__main__":
    try:
        main()
    except KerasTextclsError as error:
        sys.exit(f"Error: {error}")
