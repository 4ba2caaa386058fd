"""Working on escalations: what one does with a record and its clocks together, and which record is next."""
