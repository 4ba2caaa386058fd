"""Records that narratives are made of."""
