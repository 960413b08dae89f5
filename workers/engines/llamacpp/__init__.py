"""The llama.cpp engine: GGUF models, in llama.cpp's own server within the worker's process (see `engine`)."""
