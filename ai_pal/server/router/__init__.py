"""The router: stands between the clients and whoever answers them: this machine, Ollama, a cloud."""
