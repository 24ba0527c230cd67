"""`TextClassifier`."""
