"""The system around the daemon: service manager, log, credentials."""
