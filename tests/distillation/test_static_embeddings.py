"""Static embeddings out of an encoder."""

import keras
import numpy as np
from conftest import perturb

from keras_textcls.distillation.static_embeddings import static_from_encoder
from keras_textcls.models import MiniEncoderBackbone


def test_a_token_has_its_embedding_after_the_norm():
    encoder = perturb(
        MiniEncoderBackbone(12, num_heads=2, head_dim=4, hidden_dim=8, intermediate_dim=16)
    )
    static = static_from_encoder(encoder)
    ids = np.array([[5, 7, 7, 0]])
    found = static({"token_ids": ids, "padding_mask": ids > 0})
    table = np.asarray(keras.ops.convert_to_numpy(encoder.token_embedding.embeddings))
    scale, shift = encoder.embeddings_layer_norm.get_weights()
    rows = table[[5, 7, 7]]
    centred = rows - rows.mean(-1, keepdims=True)
    normed = centred / np.sqrt(rows.var(-1, keepdims=True) + 1e-12) * scale + shift
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(found)[0], normed.mean(0), rtol=1e-4, atol=1e-5
    )
