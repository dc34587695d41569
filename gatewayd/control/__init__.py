"""The control socket: how other processes see and steer the daemon."""
