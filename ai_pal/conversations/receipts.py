"""Where an answer came from, in words, the same on every face. Pure."""

LOCAL_TIER, MACHINE_TIER = 1, 4


def place(tier: int, provider: str, *, remote: bool) -> str:
    """What is elsewhere has an arrow."""
    if tier == LOCAL_TIER and not remote:
        return "this machine"
    if tier == LOCAL_TIER:
        return "a model of this AI-PAL, but the prompt has left this machine"
    if tier == MACHINE_TIER:
        return f"↗ {provider}, a machine of yours"
    return f"↗ {provider}" if remote else f"{provider} on this machine"
