"""GPT-Neo, in Keras Hub's style."""
