import numpy as np
import pytest
from simulated_scores import CASES, report_of
from sklearn.metrics import average_precision_score, roc_auc_score

from keras_textcls.evaluation.metrics.ranking import Ranking, known_rows


@pytest.mark.parametrize("case", CASES)
def test_areas_of_weighted_texts_are_those_of_scikit_learn(case):
    scores = report_of(CASES[case](6)).scores
    weights = np.random.default_rng(0).integers(0, 4, (5, len(scores))).astype(float)
    weights[4] = 0
    for label in range(len(scores.labels)):
        auc, precision = Ranking.of(scores, label).areas(weights)
        known = scores.is_actual(label) >= 0
        actual, values = known_rows(scores, label)
        assert np.isnan(auc[4]) and np.isnan(precision[4])
        for i in range(4):
            drawn = weights[i, known]
            if not 0 < drawn @ actual < drawn.sum():
                assert np.isnan(auc[i])
                continue
            more = {"sample_weight": drawn}
            assert auc[i] == pytest.approx(roc_auc_score(actual, values, **more))
            assert precision[i] == pytest.approx(average_precision_score(actual, values, **more))


def test_areas_stand_in_the_table_of_labels():
    report = report_of(CASES["multi-label with ties"]())
    table = report.per_label()
    for i in range(4):
        actual, values = report.y_true[:, i], report.y_score[:, i]
        assert table.column("roc_auc")[i] == pytest.approx(roc_auc_score(actual, values))
        assert table.column("average_precision")[i] == pytest.approx(
            average_precision_score(actual, values)
        )
    assert table.column("roc_auc")[4] == report["macro_roc_auc"]
    assert report["macro_roc_auc"] == pytest.approx(roc_auc_score(report.y_true, report.y_score))
