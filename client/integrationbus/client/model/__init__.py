"""The values that a caller gives and gets."""
