"""The narrow places between what decides and what does."""
