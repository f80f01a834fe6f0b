"""Values of records, there and back."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pprint import pformat
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrationbus.connectors.keys import Reference
from integrationbus.server.limits import Limits
from integrationbus.server.payloads.values import read_record, write_record
from integrationbus.server.rpc.records import check_record

PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
    | st.binary()
    | st.datetimes().map(lambda moment: moment.replace(tzinfo=UTC, fold=0))
    | st.timedeltas(timedelta(days=-3_652_500), timedelta(days=3_652_500))
    | st.uuids()
    | st.builds(Reference, st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True), st.sampled_from(["", "cms.user"]))
)
NAMES = st.from_regex(r"[a-z]{1,10}", fullmatch=True)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=10
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_what_is_written_is_accepted_and_read_back_the_same(fields: dict[str, object]) -> None:
    record = write_record(fields)
    check_record("record", record, Limits())
    read = read_record(record)
    assert read == fields
    assert pformat(read) == pformat(fields), "the types are the same, too: True is not 1, and 1 is not 1.0"


def test_values_keep_their_exact_types() -> None:
    fields = {
        "big": 2**62 + 1,
        "exact": Decimal("1.10"),
        "moment": datetime(2024, 2, 29, 12, tzinfo=UTC),
        "id": UUID(int=7),
        "key": Reference("7", "cms.user"),
    }
    assert read_record(write_record(fields)) == fields
    assert str(read_record(write_record(fields))["exact"]) == "1.10"


def test_dates_and_times_of_day_are_texts() -> None:
    assert read_record(write_record({"d": date(2024, 2, 29), "t": time(7, 30)})) == {"d": "2024-02-29", "t": "07:30:00"}


def test_what_a_record_cannot_hold_is_an_error() -> None:
    with pytest.raises(TypeError, match="set"):
        write_record({"f": {1}})
