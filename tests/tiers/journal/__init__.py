"""What gatewayd's log looks like in a real journald's files, and what happens while that is stopped; needs root."""
