"""A small transformer encoder whose vector joins static and contextual features."""
