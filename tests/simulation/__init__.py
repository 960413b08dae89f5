"""The supervisor and its two endpoints in a simulated world: virtual time, no threads, one seed, one history.

`world` puts the real parts together with simulated ones, `checks` holds what must be true.
"""
