"""How gatewayd gets onto a device: `install` for any Linux, `debian/` for its package (docs/installing.md)."""
