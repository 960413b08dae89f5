"""One question to the hub, in a thread: its library knows no event loop."""

import asyncio

from ai_pal.egress.outbox import Outbox
from ai_pal.protocol.egress import AskRevisions, FromEgress, HubFailed, HubFound, HubQuestion, HubRevisions


async def ask_hub(question: HubQuestion, outbox: Outbox) -> None:
    """Tell what the hub says, or why it says nothing."""
    outbox.put(await asyncio.to_thread(_answer, question))


def _answer(question: HubQuestion) -> FromEgress:
    from ai_pal.sources.hub_errors import explain_question
    from ai_pal.sources.hub_revisions import revisions
    from ai_pal.sources.hub_search import search_hub

    try:
        if isinstance(question, AskRevisions):
            return HubRevisions(question.key, revisions(question.references))
        hub, models = search_hub(question.words, question.limit, question.sort, question.timeout)
        return HubFound(question.key, hub, models)
    except Exception as error:  # noqa: BLE001 - whatever a library raises is a failure of this question only
        return HubFailed(question.key, explain_question(error))
