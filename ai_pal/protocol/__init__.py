"""Every message that crosses a process border, one file per conversation (docs/ipc-protocol.md)."""
