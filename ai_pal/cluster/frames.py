"""The connection between an agent and the cluster process: a first frame tells what follows."""

BEAT = b"b"
"""Nothing: a sign of life."""

MESSAGE = b"m"
"""One message of `protocol.cluster`, for the other end itself."""

WORKER = b"w"
"""The frames of one message between the worker and the supervisor. They are not looked into."""
