"""The supervisor's time: seconds in which its process stood still do not count."""
