"""All checks, in the order in which they are shown."""

from faults.checker import attempt_checks, effect_checks, feed_checks, intake_checks, line_checks, watch_checks

__all__ = ["CHECKS"]

CHECKS = tuple(
    check
    for module in (intake_checks, effect_checks, line_checks, attempt_checks, feed_checks, watch_checks)
    for check in module.CHECKS
)
