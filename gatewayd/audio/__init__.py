"""Sound as numbers: formats, conversion, levels."""
