"""Metrics: what the daemon counts and measures, and how monitoring gets it.

    daemon ── plain numbers ── control socket ── `gatewayd metrics` ── OpenMetrics text ── HTTP, textfile, stdout

The daemon itself only counts. It neither imports the library that writes the text (1.5 MB of memory) nor opens a port.
"""
