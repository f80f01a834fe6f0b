"""A database as an earlier version left it, and what its schema looks like."""

from sqlalchemy import Connection, inspect, text

from integrationbus.server.storage.migrate import upgrade
from support.bench import new_task

__all__ = ["fill", "fresh_shape", "shape"]

# State, whether it is in the line, effect and error, by sequence.
_TASKS = (
    (1, True, None, None),
    (4, False, 1, None),
    (5, False, None, "{}"),
    (6, True, None, None),
    (6, False, None, None),
    (7, False, None, None),
)

_ROWS = (
    """INSERT INTO connector (id, name, class_path, paused, paused_by, pause_reason, created_at)
    VALUES (1, 'people', 'x:Y', FALSE, '', '', 1)""",
    """INSERT INTO connector_head (connector_id, last_sequence, last_position, feed_floor, pending, running, retry_wait,
    succeeded, failed, skipped, deleted) VALUES (1, 6, 6, 0, 1, 0, 0, 1, 1, 2, 1)""",
    "INSERT INTO lease (connector_id, owner, epoch, expires_at) VALUES (1, 'gone', 7, 0)",
)


def fill(connection: Connection) -> None:
    """Put in a connector with a task of each kind, by the columns that there have been since the beginning.

    Each task was changed at a time that is a thousand times its sequence.
    """
    for statement in _ROWS:
        connection.exec_driver_sql(statement)
    for sequence, (state, in_line, effect, error) in enumerate(_TASKS, 1):
        connection.execute(
            text(
                "INSERT INTO task (connector_id, sequence, id, task_type, data_type, process_type, object_type,"
                " external_id, site, title, creator, trace_parent, payload_form, payload_type, payload_schema, payload,"
                " logged_at, state, in_line, passed_over, isolated, attempt_count, retry_count, failure_count,"
                " crash_count, epoch, position, effect, error) VALUES (1, :sequence, :id, 1, 2, :process_type, '', :id,"
                " '', '', 'old', '', 1, '', '', :payload, 1, :state, :in_line, :passed_over, FALSE, 0, 0, 0, 0, 0,"
                " :sequence, :effect, :error)"
            ),
            {
                "sequence": sequence,
                "id": f"t{sequence}",
                "process_type": 4 if state == 6 else 1,
                "payload": new_task({"name": f"p{sequence}"}).payload.data,
                "state": state,
                "in_line": in_line,
                "passed_over": state == 6,
                "effect": effect,
                "error": error,
            },
        )
        connection.execute(
            text(
                "INSERT INTO task_event (connector_id, position, sequence, state, attempt, run_id, actor, reason,"
                " occurred_at) VALUES (1, :sequence, :sequence, :state, 0, '', '', '', :at)"
            ),
            {"sequence": sequence, "state": state, "at": sequence * 1000},
        )
    if "settled_at" in {column["name"] for column in inspect(connection).get_columns("task")}:
        connection.execute(text("UPDATE task SET settled_at = sequence * 1000 WHERE sequence IN (2, 3, 5, 6)"))


def shape(connection: Connection) -> dict[str, object]:
    """Everything that the database says of its tables, in an order of its own."""
    inspector = inspect(connection)
    return {
        table: (
            sorted((item["name"], str(item["type"]), item["nullable"]) for item in inspector.get_columns(table)),
            inspector.get_pk_constraint(table)["constrained_columns"],
            sorted(
                str(item["constrained_columns"]) + item["referred_table"] for item in inspector.get_foreign_keys(table)
            ),
            sorted(str(item["column_names"]) for item in inspector.get_unique_constraints(table)),
            sorted(f"{item['name']} {item['column_names']}" for item in inspector.get_indexes(table)),
            sorted(item["sqltext"] for item in inspector.get_check_constraints(table)),
        )
        for table in inspector.get_table_names()
    }


def fresh_shape(connection: Connection) -> dict[str, object]:
    """What a new database looks like; the transaction is undone, and this one stays empty."""
    upgrade(connection)
    found = shape(connection)
    connection.rollback()
    return found
