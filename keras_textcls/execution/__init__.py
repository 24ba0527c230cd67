"""What the backend and the machine make of a batch; `fit` and `predict` over a batch source."""
