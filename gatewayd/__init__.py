"""gatewayd: a voice terminal of a cloud agent on a headless ALSA device."""

__version__ = "0.1.0"
