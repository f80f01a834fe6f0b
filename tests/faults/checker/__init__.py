"""Decides from what clients saw and what the database holds whether the bus kept its promises."""
