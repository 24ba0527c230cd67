"""Every private name of Keras and Keras Hub that is used; `tests/keras_compat` asserts each."""
