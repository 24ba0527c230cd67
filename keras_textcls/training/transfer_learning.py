"""The template `transfer_learning`."""

from __future__ import annotations

import time

import numpy as np

from keras_textcls.text_classifier import TextClassifier
from keras_textcls.training.job import Job, Outcome


def transfer(job: Job) -> Outcome:
    from sklearn.linear_model import LogisticRegression

    begun = time.monotonic()
    c = job.load()
    c = TextClassifier(
        c.backbone,
        preprocessor=c.preprocessor,
        labels=c.labels,
        multi_label=c.multi_label,
        pooling=c.pooling,
        hidden_dim=None,
    )
    f = c.embed(job.dataset, verbose=0)
    y = c.labels.encode(job.dataset.targets)
    m = LogisticRegression(max_iter=1000).fit(f, y)
    k, b = m.coef_.T, m.intercept_
    if k.shape[1] == 1:
        k, b = np.concatenate([-k, k], 1) / 2, np.concatenate([-b, b]) / 2
    c.output_dense.set_weights([k, b])
    return Outcome(c, {"seconds": round(time.monotonic() - begun, 3)})
