"""The tables of the queue.

Times are microseconds since 1970 UTC. Enumerations are the numbers of the API. Rows about a task carry its connector
and sequence, the key by which the line and the feed are read; ``task.id`` is the key of the outside world.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from integrationbus.server.run import RunState
from integrationbus.server.storage.schema_base import BigKey, metadata, of_a_connector, of_a_task, one_of
from integrationbus.server.task import SETTLED_STATES, ProcessType, TaskDataType, TaskState, TaskType

__all__ = [
    "CALLED",
    "LIMITED_WAIT",
    "OPEN_RUN",
    "applied",
    "connector",
    "connector_head",
    "key_map",
    "lease",
    "log_stream",
    "metadata",
    "replica",
    "request",
    "run",
    "run_request",
    "store_meta",
    "switch",
    "task",
    "task_action",
    "task_attempt",
    "task_event",
    "task_subject",
    "task_wait",
]

store_meta = Table(
    "store_meta",
    metadata,
    Column("store_id", String(36), primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    # Whether the objects are in a database of their own: set when one is opened for the first time.
    Column("target_apart", Boolean, nullable=False, default=False),
)

connector = Table(
    "connector",
    metadata,
    Column("id", BigKey, primary_key=True),
    Column("name", String(100), nullable=False, unique=True),
    Column("class_path", String(500), nullable=False),
    Column("paused", Boolean, nullable=False, default=False),
    Column("paused_by", String(100), nullable=False, default=""),
    Column("pause_reason", String(255), nullable=False, default=""),
    Column("halted_sequence", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    Column("enabled", Boolean, nullable=False, default=True),
    Column("disabled_by", String(100), nullable=False, default=""),
    Column("disable_reason", String(255), nullable=False, default=""),
)

# The switches of the whole bus, by the number of the API.
switch = Table(
    "switch",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("is_on", Boolean, nullable=False),
    Column("changed_by", String(100), nullable=False, default=""),
    Column("reason", String(255), nullable=False, default=""),
    Column("changed_at", BigInteger),
)

# Everything that changes with each commit, apart from the configuration: the counters of line and feed, and the tasks
# by state, so that depth is known without a scan.
#
# Retention removes tasks and changes, and keeps their numbers here. The changes that are gone are those up to the
# feed_floor, so the feed is dense behind it. The tasks that are gone are counted by the state in which they ended, and
# no longer in the counters by state. So for each connector:
#   rows of a state = the counter of that state;
#   all rows + all purged ones = last_sequence;
#   behind purged_sequence, the highest sequence that is gone, there is a row for each sequence.
connector_head = Table(
    "connector_head",
    metadata,
    Column("connector_id", BigKey, ForeignKey("connector.id"), primary_key=True),
    Column("last_sequence", BigInteger, nullable=False, default=0),
    Column("last_position", BigInteger, nullable=False, default=0),
    Column("feed_floor", BigInteger, nullable=False, default=0),
    *(Column(state.name.lower(), BigInteger, nullable=False, default=0) for state in TaskState),
    Column("purged_sequence", BigInteger, nullable=False, default=0),
    *(Column(f"purged_{state.name.lower()}", BigInteger, nullable=False, default=0) for state in SETTLED_STATES),
)

lease = Table(
    "lease",
    metadata,
    Column("connector_id", BigKey, ForeignKey("connector.id"), primary_key=True),
    Column("owner", String(36), nullable=False, default=""),
    Column("epoch", BigInteger, nullable=False, default=0),
    Column("expires_at", BigInteger, nullable=False, default=0),
)

# The processes that share the database; one that no longer renews its row is gone. ``connectors`` is a JSON array.
replica = Table(
    "replica",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("connectors", Text, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

task = Table(
    "task",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("task_type", SmallInteger, nullable=False),
    Column("data_type", SmallInteger, nullable=False),
    Column("process_type", SmallInteger, nullable=False),
    Column("object_type", String(200), nullable=False),
    Column("external_id", String(255), nullable=False),
    Column("site", String(200), nullable=False),
    Column("labels", JSON(none_as_null=True)),
    Column("title", String(255), nullable=False),
    Column("creator", String(100), nullable=False),
    Column("trace_parent", String(55), nullable=False),
    Column("payload_form", SmallInteger, nullable=False),
    Column("payload_type", String(255), nullable=False),
    Column("payload_schema", String(255), nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("logged_at", BigInteger, nullable=False),
    # What changes while the task is processed.
    Column("state", SmallInteger, nullable=False),
    Column("in_line", Boolean, nullable=False),
    Column("passed_over", Boolean, nullable=False, default=False),
    Column("isolated", Boolean, nullable=False, default=False),
    Column("attempt_count", Integer, nullable=False, default=0),
    Column("retry_count", Integer, nullable=False, default=0),
    Column("failure_count", Integer, nullable=False, default=0),
    Column("crash_count", Integer, nullable=False, default=0),
    Column("epoch", BigInteger, nullable=False, default=0),
    Column("position", BigInteger, nullable=False),
    Column("error", Text),
    Column("effect", SmallInteger),
    Column("result_type", String(200)),
    Column("object_id", BigInteger),
    Column("notes", Text),
    Column("started_at", BigInteger),
    Column("finished_at", BigInteger),
    Column("next_attempt_at", BigInteger),
    Column("touched", Text),
    # What happens when a required key is missing: NULL is what the connector says.
    Column("missing_key", SmallInteger),
    Column("wait_limit", BigInteger),
    Column("wait_deadline", BigInteger),
    Column("turn", SmallInteger, nullable=False, default=0),
    # Since when the task is out of the line in one of the SETTLED_STATES: what retention counts from. It goes with its
    # attempts, actions and place in the ledger, and never before its last change: changes are read with their tasks.
    Column("settled_at", BigInteger),
    of_a_connector(),
    one_of("task_type", TaskType),
    one_of("data_type", TaskDataType),
    one_of("process_type", ProcessType),
    one_of("state", TaskState),
    CheckConstraint("state NOT IN (1, 2, 3) OR in_line", name="open_is_in_line"),
    CheckConstraint("state NOT IN (4, 7, 8) OR NOT in_line", name="final_is_out_of_line"),
    CheckConstraint("(state = 4) = (effect IS NOT NULL)", name="succeeded_has_effect"),
    CheckConstraint("state NOT IN (3, 5) OR error IS NOT NULL", name="failed_has_error"),
    CheckConstraint("sequence > 0 AND position > 0", name="counted_from_one"),
)
# The line: what a run reads, in its order. Settled tasks are not in it, so it stays small however long the history is.
# SQLite uses it for a query with the same words only, and has no word of its own for TRUE.
Index(
    "ix_task_line",
    task.c.connector_id,
    task.c.sequence,
    sqlite_where=text("in_line = 1"),
    postgresql_where=text("in_line"),
)

# What is processed before the line. Queries must say the same with the same number: for a value that comes with the
# execution, no database can know that it is one of these.
CALLED = task.c.turn > literal_column("0")
Index("ix_task_turn", task.c.connector_id, task.c.sequence, sqlite_where=CALLED, postgresql_where=CALLED)
LIMITED_WAIT = text("state = 8 AND wait_deadline IS NOT NULL")
Index(
    "ix_task_wait_deadline",
    task.c.connector_id,
    task.c.wait_deadline,
    sqlite_where=LIMITED_WAIT,
    postgresql_where=LIMITED_WAIT,
)
_SETTLED = text("settled_at IS NOT NULL")
Index(
    "ix_task_settled",
    task.c.connector_id,
    task.c.state,
    task.c.settled_at,
    sqlite_where=_SETTLED,
    postgresql_where=_SETTLED,
)

# What a WAITING task waits for, by the name under which the object will be recognised when it is written; and how the
# task itself called it. A name with the object type "task" is an earlier waiting task about the same object.
task_wait = Table(
    "task_wait",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("object_type", String(200), primary_key=True),
    Column("name", String(1200), primary_key=True),
    Column("external_id", String(1000), nullable=False),
    Column("attribute", String(200), nullable=False),
    ForeignKeyConstraint(["connector_id", "sequence"], ["task.connector_id", "task.sequence"]),
    Index(None, "object_type", "name"),
)

# What a WAITING task is about, so that later tasks about the same object wait behind it.
task_subject = Table(
    "task_subject",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("object_type", String(200), primary_key=True),
    Column("name", String(1200), primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    ForeignKeyConstraint(["connector_id", "sequence"], ["task.connector_id", "task.sequence"]),
    Index(None, "connector_id", "sequence"),
)

# What operators did with single tasks.
task_action = Table(
    "task_action",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("state", SmallInteger, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["connector_id", "sequence"], ["task.connector_id", "task.sequence"]),
)

# Written when an attempt has ended; earlier versions wrote it when one began, without an end and an outcome.
task_attempt = Table(
    "task_attempt",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("run_id", String(36), nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("outcome", SmallInteger),
    Column("error", Text),
    of_a_task(),
    CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended_has_outcome"),
)

task_event = Table(
    "task_event",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("previous_state", SmallInteger),
    Column("attempt", Integer, nullable=False),
    Column("error", Text),
    Column("effect", SmallInteger),
    Column("result_type", String(200)),
    Column("object_id", BigInteger),
    Column("notes", Text),
    Column("run_id", String(36), nullable=False),
    Column("actor", String(100), nullable=False, default=""),
    Column("reason", String(255), nullable=False, default=""),
    Column("occurred_at", BigInteger, nullable=False),
    Column("touched", Text),
)

run = Table(
    "run",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("connector_id", BigInteger, ForeignKey("connector.id"), nullable=False),
    Column("trigger", SmallInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("requested_by", String(100), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("succeeded", BigInteger, nullable=False, default=0),
    Column("failed", BigInteger, nullable=False, default=0),
    Column("skipped", BigInteger, nullable=False, default=0),
    Column("deleted", BigInteger, nullable=False, default=0),
    Column("retried", BigInteger, nullable=False, default=0),
    Column("halted_by", String(36), nullable=False, default=""),
    Column("started_at", BigInteger, nullable=False),
    Column("ended_at", BigInteger),
    Column("waiting", BigInteger, nullable=False, default=0),
    Column("cancelled", Boolean, nullable=False, default=False),
    Column("cancelled_by", String(100), nullable=False, default=""),
    Column("cancel_reason", String(255), nullable=False, default=""),
    one_of("state", RunState),
    CheckConstraint("(state = 1) = (ended_at IS NULL)", name="ended_is_final"),
    Index(None, "connector_id", "id"),
    Index(None, "ended_at"),
)
# Runs that go on; said in the same words everywhere, as CALLED is.
OPEN_RUN = run.c.state == literal_column("1")
Index("ix_run_open", run.c.connector_id, sqlite_where=OPEN_RUN, postgresql_where=OPEN_RUN)

# Runs that one process was asked for and another one, who holds the connector, is to carry out.
run_request = Table(
    "run_request",
    metadata,
    Column("connector_id", BigKey, ForeignKey("connector.id"), primary_key=True),
    Column("run_id", String(36), nullable=False),
    Column("trigger", SmallInteger, nullable=False),
    Column("requested_by", String(100), nullable=False),
    Column("reason", String(255), nullable=False),
    Column("called_only", Boolean, nullable=False),
    Column("number", BigInteger, nullable=False),
)

request = Table(
    "request",
    metadata,
    Column("creator", String(100), primary_key=True),
    Column("request_id", String(64), primary_key=True),
    Column("body_digest", LargeBinary, nullable=False),
    Column("receipt", Text, nullable=False),
    Column("stored_at", BigInteger, nullable=False),
    Index(None, "stored_at"),
)

# How far each stream of numbered tasks is settled, and which of its tasks were rejected, as JSON.
log_stream = Table(
    "log_stream",
    metadata,
    Column("creator", String(100), primary_key=True),
    Column("stream_id", String(64), primary_key=True),
    Column("settled_number", BigInteger, nullable=False),
    Column("rejections", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

key_map = Table(
    "key_map",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("object_type", String(200), primary_key=True),
    Column("external_id", String(255), primary_key=True),
    Column("object_id", BigInteger, nullable=False),
    of_a_connector(),
    Index(None, "object_type", "object_id"),
)

applied = Table(
    "applied",
    metadata,
    Column("connector_id", BigInteger, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    of_a_task(),
    UniqueConstraint("connector_id", "position"),
)

# The order of texts must not depend on the language of a database: it is that of their bytes, as in SQLite.
for _table in metadata.tables.values():
    for _column in _table.columns:
        if isinstance(_column.type, String):
            _bytewise = type(_column.type)(_column.type.length, collation="C")
            _column.type = _column.type.with_variant(_bytewise, "postgresql")
