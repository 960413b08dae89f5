"""The egress process: the only one with outbound sockets and tokens. Started on demand."""
