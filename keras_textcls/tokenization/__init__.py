"""From texts to tokens without padding, as fast as the preprocessor allows."""
