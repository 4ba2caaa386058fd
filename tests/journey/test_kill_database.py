"""`kill -9` of PostgreSQL itself under load: what was accepted is there when it is back."""
