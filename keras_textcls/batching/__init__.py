"""From tokens to batches: the bucket plan, the planner and the source that Keras reads."""
