"""File formats and objects that hold labelled texts."""
