"""Connectors whose effect on their target can be replayed: registers, with a trigger that notes every write."""

from datetime import timedelta
from typing import Any

from sqlalchemy import DDL, BigInteger, String, event
from sqlalchemy.orm import Mapped, mapped_column

from integrationbus.connectors import (
    BaseInfo,
    IntegrationConnector,
    RetryableError,
    RetryPolicy,
    TaskDataType,
    TaskType,
    TypeInfo,
)

__all__ = ["LeftConnector", "RegisterInfo", "RightConnector"]


class RegisterInfo(BaseInfo):
    """A name with a value, owned by one connector."""

    __tablename__ = "fault_register"
    type_info = TypeInfo(object_type="fault.register", code_name="name")

    register_id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(50), unique=True)
    value: Mapped[int] = mapped_column(BigInteger)


class LeftConnector(IntegrationConnector):
    """Writes the register that the payload names, or fails as it says: ``{"name": ..., "value": ..., "do": ...}``.

    "fail" fails every time, "retry" the first time that this process meets it.
    """

    name = "left"
    object_classes = (RegisterInfo,)
    retry = RetryPolicy(max_attempts=5, initial_delay=timedelta(milliseconds=20), max_failures=2)

    def __init__(self) -> None:
        self._met: set[int] = set()

    def prepare_internal_object(
        self, obj: Any, task_type: TaskType, data_type: TaskDataType, site_name: str | None
    ) -> RegisterInfo:
        what = obj.get("do", "")
        if what == "fail":
            raise ValueError("as the task says")
        if what == "retry" and obj["value"] not in self._met:
            self._met.add(obj["value"])
            raise RetryableError("as the task says")
        return RegisterInfo(owner=self.name, name=obj["name"], value=obj["value"])


class RightConnector(LeftConnector):
    """The same for registers of its own."""

    name = "right"


_NOTE = """CREATE TRIGGER fault_after_@operation AFTER @operation ON fault_register FOR EACH ROW BEGIN
    INSERT INTO fault_effect (owner, operation, name, value) VALUES (@row.owner, '@letter', @row.name, @row.value);
END"""


def _trigger(operation: str, row: str) -> str:
    return _NOTE.replace("@operation", operation).replace("@letter", operation[0]).replace("@row", row)


_COLUMNS = "owner VARCHAR(20) NOT NULL, operation CHAR(1) NOT NULL, name VARCHAR(50) NOT NULL, value BIGINT NOT NULL"
_ON_SQLITE = (
    f"CREATE TABLE fault_effect (effect_id INTEGER PRIMARY KEY AUTOINCREMENT, {_COLUMNS})",
    _trigger("INSERT", "NEW"),
    _trigger("UPDATE", "NEW"),
    _trigger("DELETE", "OLD"),
)
_ON_POSTGRESQL = (
    f"CREATE TABLE fault_effect (effect_id BIGSERIAL PRIMARY KEY, {_COLUMNS})",
    """CREATE FUNCTION fault_note() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE r fault_register;
    BEGIN
        IF TG_OP = 'DELETE' THEN r := OLD; ELSE r := NEW; END IF;
        INSERT INTO fault_effect (owner, operation, name, value) VALUES (r.owner, left(TG_OP, 1), r.name, r.value);
        RETURN NULL;
    END $$""",
    """CREATE TRIGGER fault_after AFTER INSERT OR UPDATE OR DELETE ON fault_register
    FOR EACH ROW EXECUTE FUNCTION fault_note()""",
)
for _dialect, _statements in (("sqlite", _ON_SQLITE), ("postgresql", _ON_POSTGRESQL)):
    for _statement in _statements:
        _ddl = DDL(_statement.replace("%", "%%")).execute_if(dialect=_dialect)  # type: ignore[no-untyped-call]
        event.listen(RegisterInfo.__table__, "after_create", _ddl)
