"""The hash of a backbone follows its numbers and nothing else."""

import numpy as np
from conftest import make_classifier

from keras_textcls import TextClassifier
from keras_textcls.saving.weight_fingerprint import weight_fingerprint


def test_a_saved_and_loaded_backbone_has_the_same_hash(tmp_path):
    classifier = make_classifier()
    classifier.save_to_preset(tmp_path / "preset")
    loaded = TextClassifier.from_preset(tmp_path / "preset")
    assert weight_fingerprint(loaded.backbone) == weight_fingerprint(classifier.backbone)


def test_one_changed_number_changes_it():
    backbone = make_classifier().backbone
    before = weight_fingerprint(backbone)
    values = backbone.get_weights()
    values[3] = values[3].copy()
    values[3].flat[0] = np.nextafter(values[3].flat[0], np.float32(9))
    backbone.set_weights(values)
    assert weight_fingerprint(backbone) != before
