"""What a caller passes: texts, labels and weights, checked."""
