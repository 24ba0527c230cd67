"""Batches of encoded texts: the bucket plan, the planner and the source that Keras reads."""
