"""What depends on the backend and the machine; `fit` and `predict` over a batch source."""
