"""Where files of models are kept: AI-PAL's own cache, that of the hub, and what programs have sent."""
