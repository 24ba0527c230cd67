"""What makes training or evaluation on a dataset go wrong."""
