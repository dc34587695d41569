"""Sound hardware: profiles, and the one adapter that opens it."""
