"""Runs real servers, clients and watchers, breaks things below them, and keeps what the checker needs."""
