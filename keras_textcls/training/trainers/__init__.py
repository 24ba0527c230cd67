"""How each template trains."""
