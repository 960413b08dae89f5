"""What `ai-pal bench` recommends, by what it measured and what AI-PAL knows of the models."""

from collections.abc import Sequence

from ai_pal.catalog.known.names import entry_of
from ai_pal.cli.loaded.bench.figures import Advice, Row, Smaller, form_advice, slow_advice, thread_advice
from ai_pal.config import Settings


def advised(rows: Sequence[Row], settings: Settings) -> list[Advice]:
    """What would be better for each of the models."""
    models = list(dict.fromkeys(row.model for row in rows if not row.form_of))
    return [one for model in models for one in _of(model, rows, settings)]


def _of(model: str, rows: Sequence[Row], settings: Settings) -> list[Advice]:
    own = [row for row in rows if row.model == model and not row.form_of]
    forms = [row for row in rows if row.form_of == model]
    now = next((row for row in own if row.as_set and row.typical), None)
    if now is None:
        return []
    found = [thread_advice(own, _setting(model)), form_advice(now, forms)]
    better = [one for one in found if one is not None]
    return better or [slow_advice(now, _smaller(model, settings)) or _nothing(model, quantized=bool(forms))]


def _nothing(model: str, *, quantized: bool) -> Advice:
    tried = "quantizations and numbers of threads is better" if quantized else "numbers of threads is faster"
    return Advice(model, f"none of the other {tried}")


def _setting(model: str) -> str:
    """What is set so that this model has other threads: a file has no table of its own."""
    return "threads" if "/" in model or "?" in model else f"models.{model}.threads"


def _smaller(model: str, settings: Settings) -> Smaller | None:
    """The next smaller form of a model that AI-PAL knows in several."""
    known = entry_of(model)
    if known is None:
        return None
    entry, chosen = known
    forms = [form for form in entry.variants if form.name and form.engine == entry.variants[0].engine]
    size = next((form.size for form in forms if form.name == chosen), forms[0].size if forms else 0)
    lighter = [form for form in forms if 0 < form.size < size]
    if not lighter:
        return None
    form = max(lighter, key=lambda one: one.size)
    return Smaller(f"{entry.name}:{form.name}", form.size / size)
