"""A session with the voice service: a machine without I/O, and what drives it."""
