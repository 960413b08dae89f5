"""Whether a node has what a worker was promised when it is to start there: the supervisor only knows what it
was told a second ago."""

from ai_pal.memory import gigabytes
from ai_pal.memory.cards import ENGINES
from ai_pal.memory.devices import Devices
from ai_pal.protocol.cluster import Ticket


def shortage(ticket: Ticket, free: int, cards: Devices) -> str:
    """What it lacks here, with figures; "" where it lacks nothing."""
    if free < ticket.need:
        return f"{gigabytes(ticket.need)} is needed, {gigabytes(free)} is free"
    if not ticket.cards:
        return ""
    seen = {card.uuid: card for engine in ENGINES for card in cards.look(engine)}
    for share in ticket.cards:
        card = seen.get(share.uuid)
        if card is None:
            return f"there is no card {share.uuid} any more"
        if card.free < share.need:
            return f"{gigabytes(share.need)} is needed on {card.name}, {gigabytes(card.free)} is free there"
    return ""
