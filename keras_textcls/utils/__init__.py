"""Small tools of every room: atomic writes, display of texts, versions, result tables."""
