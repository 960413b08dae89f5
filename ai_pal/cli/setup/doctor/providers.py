"""The providers: whether each answers, and whether it has the models that it would be asked for."""

from collections.abc import Iterator

from ai_pal.cli.setup.doctor.finding import Finding, failed, of_failure, ok, warn
from ai_pal.config import Settings, paths
from ai_pal.config.clouds import heirs
from ai_pal.counted import counted
from ai_pal.errors import NOBODY_THERE, AiPalError, Code
from ai_pal.protocol.client import ProviderStatus
from ai_pal.protocol.provider import OLLAMA_URL
from ai_pal.providers.nearest import nearest
from ai_pal.providers.prices import PriceTable, price_table

SHOWN = 4
"""Names that are enough to choose from."""

START_OLLAMA = "start it: ollama serve; or say where it is: OLLAMA_HOST, or base_url in [ollama]"

SETTLED = {
    Code.LOCAL_ONLY: "not asked: nothing may leave this machine",
    Code.NO_CONSENT: "not asked: there is a key, but nobody has agreed that prompts go there",
}
"""What the user has decided, or not yet: nothing is wrong with that."""


def check_providers(settings: Settings) -> Iterator[Finding]:
    """Asks each through a supervisor of its own, which has today's settings and keys, and ends with it."""
    from ai_pal.client.daemon import hosted
    from ai_pal.config.clouds import ollama_is_set_up, ollama_url

    try:
        with hosted() as client:
            found = client.providers()
    except AiPalError as error:
        yield of_failure("providers", error.failure)
        return
    prices = price_table().over(settings.prices)
    budgeted = settings.budget.day is not None or settings.budget.month is not None
    for status in found:
        if status.api == "machine":  # looked at by itself
            continue
        if status.name in settings.machines:
            yield at_gateway(status)
            continue
        wanted = status.api != "ollama" or ollama_is_set_up(settings) or paths.ollama_seen_file().exists()
        at = _shown(ollama_url(settings) or OLLAMA_URL)
        yield priced(judged(status, wanted=wanted, at=at), status, prices, budgeted=budgeted)


def at_gateway(status: ProviderStatus) -> Finding:
    """Another machine of the user's, asked at its own gateway."""
    failure = status.failure
    if failure is None:
        return ok(status.name, f"its gateway answers, {counted(len(status.offers), 'model')}")
    if failure.code in SETTLED:
        return ok(status.name, SETTLED[Code(failure.code)])
    lasts = failure.code in (Code.AUTH_FAILED, Code.NO_KEY, Code.ACCESS_DENIED)
    return (failed if lasts else warn)(status.name, failure.message, failure.hint)


def judged(status: ProviderStatus, *, wanted: bool = True, at: str = "") -> Finding:
    """What its answer means. A provider that is not `wanted` may as well not be there; `at` is where an
    Ollama was asked."""
    failure = status.failure
    if failure is None:
        return _models(status, wanted=wanted)
    if failure.code in SETTLED:
        agree = f"; agree with: ai-pal consent {status.name}" if failure.code == Code.NO_CONSENT else ""
        return ok(status.name, SETTLED[Code(failure.code)] + agree)
    if failure.code in NOBODY_THERE and not wanted:
        return ok(status.name, "none runs here, and none is needed")
    if failure.code in NOBODY_THERE and status.api == "ollama":
        return warn(status.name, f"{failure.message}{f' (asked at {at})' if at else ''}", START_OLLAMA)
    make = (
        failed
        if failure.code in (Code.AUTH_FAILED, Code.NO_KEY, Code.ACCESS_DENIED, Code.NO_CREDIT)
        else warn
    )
    return make(status.name, failure.message, failure.hint)


def priced(finding: Finding, status: ProviderStatus, prices: PriceTable, *, budgeted: bool) -> Finding:
    """What was found, and which of its models have a price that nobody knows: with a budget, a cloud is not
    asked for those."""
    if finding.state != "ok" or status.failure is not None or status.api == "ollama":
        return finding
    names = [f"{status.name}:{model}" for model in status.models if not prices.find(status.name, model)]
    if not names:
        return finding
    text = f"{finding.text}; nobody knows what {' and '.join(names)} cost{'s' * (len(names) == 1)}"
    return Finding(status.name, "warn" if budgeted else "ok", text, f'give the price: [prices."{names[0]}"]')


def _shown(url: str) -> str:
    """An address without what may be a password."""
    return "" if "@" in url or "%40" in url else url


def _models(status: ProviderStatus, *, wanted: bool) -> Finding:
    ollama = status.api == "ollama"
    offers = {name.removesuffix(":latest") if ollama else name for name in status.offers}
    gone = [model for model in status.models if model.removesuffix(":latest" if ollama else "") not in offers]
    if not gone:
        return ok(status.name, f"has {' and '.join(status.models) or 'no model that is asked for'}")
    others = [name for model in gone for name in nearest(model, offers, heirs(status.api, model))]
    shown = list(dict.fromkeys(others or sorted(offers)))[:SHOWN]
    such = f"; it has {', '.join(shown)}" if shown else "; it has no other either"
    if ollama:
        text = f"{' and '.join(gone)} {_is(gone)} not pulled{such}"
        pull = "; ".join(f"ollama pull {model}" for model in gone)
        if not wanted:
            return ok(status.name, f"{text}; that it may stand in here: {pull}")
        return warn(status.name, text, f"run: {pull}")
    mend = f"name another as mid or strong of [providers.{status.name}] in {paths.config_file()}"
    return warn(status.name, f"{' and '.join(gone)} {_is(gone)} gone{such}", mend)


def _is(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
