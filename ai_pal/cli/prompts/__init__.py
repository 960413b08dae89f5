"""Commands that give models something to work on: chat, generate, embed, rerank, count, route, preset."""
