"""Finds out why a device does not hear, speak or reach its agent: `gatewayd doctor` and `gatewayd bundle`."""
