"""All private names of Keras and Keras Hub that are used; `tests/keras_compat` checks each."""
