"""The Debian package, installed where nothing else is. Built by `make deb` before."""
