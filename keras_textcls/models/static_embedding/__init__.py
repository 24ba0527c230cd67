"""Static embeddings: one vector a token, a weighted mean a text."""
