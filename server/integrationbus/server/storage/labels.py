"""Tasks by their labels, whatever characters the names have."""

from sqlalchemy import Boolean, Text, literal
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from integrationbus.server.storage import schema

__all__ = ["HasLabel"]


class HasLabel(FunctionElement[bool]):
    """Whether a task has a label with this name and value."""

    type = Boolean()
    inherit_cache = True

    def __init__(self, name: str, value: str) -> None:
        super().__init__(schema.task.c.labels, literal(name, Text()), literal(value, Text()))


@compiles(HasLabel, "postgresql")
def _by_key(element: HasLabel, compiler: SQLCompiler, **options: object) -> str:
    labels, name, value = (compiler.process(clause, **options) for clause in element.clauses)
    return f"({labels} ->> {name}) = {value}"


@compiles(HasLabel, "sqlite")
def _one_by_one(element: HasLabel, compiler: SQLCompiler, **options: object) -> str:
    # A path into a document cannot name every key.
    labels, name, value = (compiler.process(clause, **options) for clause in element.clauses)
    row = f"SELECT 1 FROM json_each({labels}) AS label WHERE label.key = {name} AND label.value = {value}"  # noqa: S608 - our own
    return f"EXISTS ({row})"
