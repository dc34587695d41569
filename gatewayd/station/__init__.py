"""One microphone and speaker, supervised."""
