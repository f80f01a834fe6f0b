"""A resume token can be merged, and kept as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrationbus.client import ResumeToken

POSITIONS = st.dictionaries(st.text(), st.integers(0, 2**63 - 1), max_size=5)


def test_the_newer_position_of_each_connector_wins() -> None:
    kept = ResumeToken("s", {"crm": 3, "erp": 5})
    assert kept.merge(ResumeToken("s", {"crm": 4, "hr": 1})) == ResumeToken("s", {"crm": 4, "erp": 5, "hr": 1})


def test_tokens_of_two_stores_are_not_merged() -> None:
    with pytest.raises(ValueError, match="two stores, 's' and 't'"):
        ResumeToken("s", {}).merge(ResumeToken("t", {}))


@given(st.text(min_size=1), POSITIONS)
def test_a_token_survives_as_a_line_of_text(store_id: str, positions: dict[str, int]) -> None:
    text = ResumeToken(store_id, positions).to_text()
    assert text.isascii()
    assert "\n" not in text
    assert ResumeToken.from_text(f"{text}\n") == ResumeToken(store_id, positions)


@pytest.mark.parametrize("text", ["", "?", "AAAA", "CgA="])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not the text of a resume token"):
        ResumeToken.from_text(text)
