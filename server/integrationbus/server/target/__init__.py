"""The target: where internal objects and pages are written, translated and read back."""
