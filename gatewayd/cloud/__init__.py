"""The way to the service: streams, HTTP, tokens, WebSocket, heartbeat."""
