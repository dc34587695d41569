"""The local voice service that demo, tests and integrators talk to."""
