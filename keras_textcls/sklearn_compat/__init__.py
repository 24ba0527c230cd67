"""A text classifier as an estimator of scikit-learn."""
