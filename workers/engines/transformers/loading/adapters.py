"""Adapters in peft's layout, added to a model's weights while it is loaded."""

from collections.abc import Mapping
from typing import Any, NoReturn

from ai_pal.errors import AiPalError, Code, fail, pip_install
from ai_pal.formats.adapters import OTHER, Adapter, adapters_in
from workers.engines.transformers.loading.pretrained import LONGEST_REASON, short

NAME = "default"


def adapted(model: Any, options: Mapping[str, Any]) -> Any:
    """The model with the adapters that are named. Raises `AiPalError` (`model_invalid`, `engine_missing`)."""
    for adapter in adapters_in(options):
        try:
            model = _with(model, adapter)
        except AiPalError:
            raise
        except ImportError as error:
            hint = f"run: {pip_install('peft')}"
            fail(Code.ENGINE_MISSING, f"adapters need a library that is not here: {short(error)}", hint)
        except Exception as error:  # noqa: BLE001 - the library raises anything over a stranger's file
            _refuse(adapter, " ".join(str(error).split())[:LONGEST_REASON] or repr(error))
    return model


def _with(model: Any, adapter: Adapter) -> Any:
    import peft

    config = peft.PeftConfig.from_pretrained(str(adapter.path))
    config.inference_mode = True
    if config.is_prompt_learning:
        _refuse(adapter, f"it changes prompts ({config.peft_type.value}), and no weights")
    if getattr(config, "megatron_config", None):
        _refuse(adapter, "it names a module of Python to be imported (megatron_core)")
    wrapped = peft.PeftModel(model, config, NAME)
    names = getattr(model, "_checkpoint_conversion_mapping", None)
    told = wrapped.load_adapter(str(adapter.path), NAME, torch_device=str(model.device), key_mapping=names)
    if strange := [*told.missing_keys, *told.unexpected_keys]:
        _refuse(adapter, f"its weights are not those of this model, {strange[0]} first")
    if adapter.scale != 1.0:
        _scale(wrapped, adapter)
    if getattr(model, "is_quantized", False) or wrapped.base_model._get_tied_target_modules(model):
        return wrapped.get_base_model()  # computed beside weights that cannot be added to
    return wrapped.merge_and_unload(safe_merge=True)


def _scale(wrapped: Any, adapter: Adapter) -> None:
    layers = [layer for layer in wrapped.modules() if hasattr(layer, "scale_layer")]
    if not layers:
        _refuse(adapter, "it is of a kind that has no scale")
    for layer in layers:
        layer.scale_layer(adapter.scale)


def _refuse(adapter: Adapter, reason: str) -> NoReturn:
    fail(Code.MODEL_INVALID, f"the adapter {adapter.path} cannot be used: {reason}", OTHER)
