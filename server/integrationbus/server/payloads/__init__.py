"""Payloads: from the stored bytes to Python values, and back."""
