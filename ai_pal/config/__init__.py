"""Settings and paths: `load_settings()` gives what is in force and where each value came from."""

from ai_pal.config.load import LoadedSettings, load_settings
from ai_pal.config.model_settings import ModelSettings
from ai_pal.config.settings import Settings

__all__ = ["LoadedSettings", "ModelSettings", "Settings", "load_settings"]
