"""Reading what a connector says about itself: trigger, retries, missing keys and accepted payloads."""

import re
from collections.abc import Mapping
from datetime import timedelta
from zoneinfo import ZoneInfo

from integrationbus.connectors.declarative.faults import Faults, did_you_mean, one_of
from integrationbus.connectors.declarative.reading import Table, items_of, text_of
from integrationbus.connectors.declarative.source import Value
from integrationbus.connectors.policies import (
    Accepts,
    Cron,
    Every,
    FailOnMissingKey,
    MissingKeyPolicy,
    OnLog,
    OnNotify,
    RetryPolicy,
    Trigger,
    WaitForMissingKey,
)

__all__ = ["read_accepts", "read_missing_key", "read_retry", "read_trigger"]

_FORMS = ("json", "prepared", "record")
_DURATION = re.compile(r"(\d{1,6}) (second|minute|hour|day)s?")
_CRON_FIELD = r"(?:\*|\?|[\w-]+(?:#\d)?)(?:/\d+)?"
_CRON = re.compile(rf"{_CRON_FIELD}(?:,{_CRON_FIELD})*(?: +{_CRON_FIELD}(?:,{_CRON_FIELD})*){{4}}")
_RETRY_KEYS = ("max_attempts", "initial_delay", "multiplier", "max_delay", "max_failures")
_MAX_MULTIPLIER = 1000


def read_accepts(value: Value, faults: Faults) -> Accepts:
    """The payload forms: a list of record, json and prepared."""
    forms = set()
    for item in items_of(value, faults, "accepts"):
        form = text_of(item, faults, "a payload form")
        if form is not None and form not in _FORMS:
            faults.add(item.position, f"there is no payload form {form}; {did_you_mean(form, _FORMS)}")
        forms.add(form)
    if not forms:
        faults.add(value.position, f"accepts must list at least one of {one_of(_FORMS)}")
    return Accepts(
        record="record" in forms,
        content_types=("application/json",) if "json" in forms else (),
        prepared="prepared" in forms,
    )


def read_trigger(value: Value, faults: Faults) -> Trigger:
    """What starts runs: on_log, on_notify, or a table with every or cron."""
    if value.content == "on_log":
        return OnLog()
    if value.content == "on_notify":
        return OnNotify()
    if not isinstance(value.content, Mapping):
        faults.add(value.position, "trigger must be on_log, on_notify, or a table with every or cron")
        return OnLog()
    table = Table(value, faults, "trigger", ("every", "cron", "timezone"))
    if ("every" in table) == ("cron" in table):
        faults.add(value.position, "trigger needs every or cron, and not both")
    elif "every" in table:
        if "timezone" in table:
            faults.add(table.position_of("timezone"), "timezone goes with cron only")
        return Every(_duration(table, "every", timedelta(seconds=1), faults, least=timedelta(seconds=1)))
    else:
        return _cron(table, faults)
    return OnLog()


def read_retry(value: Value, faults: Faults) -> RetryPolicy:
    """How often a task is tried."""
    table = Table(value, faults, "retry", _RETRY_KEYS)
    usual = RetryPolicy()
    initial = _duration(table, "initial_delay", usual.initial_delay, faults)
    longest = _duration(table, "max_delay", max(usual.max_delay, initial), faults)
    if longest < initial:
        faults.add(table.position_of("max_delay"), "max_delay must not be shorter than initial_delay")
        longest = initial
    return RetryPolicy(
        max_attempts=table.whole_number("max_attempts", least=1) or usual.max_attempts,
        initial_delay=initial,
        multiplier=_multiplier(table, usual.multiplier, faults),
        max_delay=longest,
        max_failures=table.whole_number("max_failures", least=1) or usual.max_failures,
    )


def read_missing_key(value: Value, faults: Faults) -> MissingKeyPolicy:
    """What a missing key does: fail, wait, or a table with wait, which is a duration or forever."""
    if value.content == "fail":
        return FailOnMissingKey()
    if value.content == "wait":
        return WaitForMissingKey()
    if not isinstance(value.content, Mapping):
        faults.add(value.position, "missing_key must be fail, wait, or a table with wait")
        return FailOnMissingKey()
    table = Table(value, faults, "missing_key", ("wait",), ("wait",))
    given = table.get("wait")
    if given is not None and given.content == "forever":
        return WaitForMissingKey(None)
    second = timedelta(seconds=1)
    return WaitForMissingKey(_duration(table, "wait", second, faults, least=second, also="forever or "))


def _cron(table: Table, faults: Faults) -> Cron:
    """A schedule whose five fields look right; the server reads what they say."""
    expression = table.text("cron") or ""
    if expression and not _CRON.fullmatch(expression):
        faults.add(table.position_of("cron"), "cron must have five fields, for example 0 3 * * mon-fri")
    timezone = table.text("timezone") or "UTC"
    try:
        ZoneInfo(timezone)
    except (ValueError, OSError, KeyError):
        faults.add(table.position_of("timezone"), f"there is no time zone {timezone}; one is Europe/Prague")
    return Cron(expression, timezone)


def _duration(
    table: Table, name: str, default: timedelta, faults: Faults, *, least: timedelta = timedelta(0), also: str = ""
) -> timedelta:
    """A duration; ``also`` is what the message of a fault allows besides."""
    text = table.text(name)
    if text is None:
        return default
    found = _DURATION.fullmatch(text)
    length = timedelta(**{f"{found[2]}s": int(found[1])}) if found else None
    if length is not None and length >= least:
        return length
    faults.add(table.position_of(name), f"{name} must be {also}a number of seconds, minutes, hours or days: 5 minutes")
    return default


def _multiplier(table: Table, default: float, faults: Faults) -> float:
    value = table.get("multiplier")
    if value is None:
        return default
    number = value.content
    if isinstance(number, int | float) and not isinstance(number, bool) and 1 <= number <= _MAX_MULTIPLIER:
        return float(number)
    faults.add(value.position, f"multiplier must be a number from 1 to {_MAX_MULTIPLIER}")
    return default
