"""``integrationbus log``."""

import mimetypes
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from integrationbus.client import (
    Client,
    Encoded,
    Json,
    LoggedTask,
    LogProgress,
    MissingKeyAction,
    NewTask,
    Payload,
    ProcessType,
    TaskDataType,
    TaskOptions,
    TaskType,
)
from integrationbus.server.cli.connection import INTERRUPTED, ServerOption, connect
from integrationbus.server.cli.log_stream import progress_bar, stream_lines
from integrationbus.server.cli.log_wait import wait_for
from integrationbus.server.cli.names import labels_of, named
from integrationbus.server.cli.output import JsonOption, counted, print_json
from integrationbus.server.cli.payloads import json_object_of, json_of
from integrationbus.server.cli.task_options import (
    DataTypeOption,
    ExternalIdOption,
    ObjectTypeOption,
    SiteOption,
    TaskTypeArgument,
)

__all__ = ["log"]


def log(
    connector: Annotated[str, typer.Argument(help="The connector that will process the task.")],
    task_type: TaskTypeArgument,
    record: Annotated[str | None, typer.Option(help="The object as a record: a JSON object.")] = None,
    json_payload: Annotated[str | None, typer.Option(help="The object as JSON, sent as application/json.")] = None,
    file: Annotated[
        Path | None, typer.Option(help="A file with the object, in any format.", exists=True, dir_okay=False)
    ] = None,
    content_type: Annotated[str | None, typer.Option(help="The media type of --file; guessed by default.")] = None,
    lines: Annotated[
        Path | None, typer.Option(help="A file with a JSON object a line (- for stdin): a task each.")
    ] = None,
    stream_id: Annotated[
        str,
        typer.Option(
            help="With --lines: log them through a stream with this id, each by its line number. Lines that cannot be "
            "stored are listed, and the others go on; the same command goes on where an earlier one was interrupted."
        ),
    ] = "",
    id_field: Annotated[str | None, typer.Option(help="With --lines: the field that is the external id.")] = None,
    external_id: ExternalIdOption = "",
    object_type: ObjectTypeOption = "",
    site: SiteOption = "",
    data_type: DataTypeOption = TaskDataType.SIMPLE_SNAPSHOT,
    process_type: Annotated[
        ProcessType,
        typer.Option(
            parser=named(ProcessType), metavar="PROCESS_TYPE", show_default="default", help="What happens on an error."
        ),
    ] = ProcessType.DEFAULT,
    missing_key: Annotated[
        MissingKeyAction | None,
        typer.Option(
            parser=named(MissingKeyAction), metavar="ACTION", help="fail or wait; else the connector decides."
        ),
    ] = None,
    label: Annotated[list[str] | None, typer.Option(help="A mark, name=value. May be repeated.")] = None,
    title: Annotated[str, typer.Option(help="What people see; made from the rest by default.")] = "",
    request_id: Annotated[str, typer.Option(help="Makes the call safe to repeat.")] = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the task is settled, and say what holds it; exit 1 if it failed.")
    ] = False,
    server: ServerOption = "127.0.0.1:50051",
    as_json: JsonOption = False,
) -> None:
    """Log a task, or with --lines one for each line of a file."""
    options: TaskOptions = {
        "data_type": data_type,
        "process_type": process_type,
        "object_type": object_type,
        "external_id": external_id,
        "site": site,
        "labels": labels_of(label or []),
        "title": title,
        "missing_key": missing_key,
    }
    forms = [form for form in (record, json_payload, file, lines) if form is not None]
    if len(forms) != 1:
        raise typer.BadParameter("give one of --record, --json-payload, --file and --lines, for a deletion too")
    _refuse_idle("--lines", {"--id-field": id_field, "--stream-id": stream_id or None}, given=lines is not None)
    _refuse_idle("--file", {"--content-type": content_type}, given=file is not None)
    if lines is not None and (external_id or request_id or wait):
        raise typer.BadParameter("--external-id, --request-id and --wait are for one task, not for --lines")
    if lines is not None and str(lines) != "-" and (lines.is_dir() or not lines.exists()):
        raise typer.BadParameter(f"--lines: {lines} {'is a directory' if lines.is_dir() else 'does not exist'}")
    with connect(server) as client:
        if lines is not None:
            source = _numbered(lines, every_line=bool(stream_id))
            _log_lines(client, _tasks_of(source, connector, task_type, id_field, options), stream_id, as_json=as_json)
            return
        payload = _payload(record, json_payload, file, content_type)
        receipt = client.log_task(connector, task_type, payload, request_id=request_id, **options)
        if not (wait and as_json):
            _show(receipt, as_json=as_json)
        if wait:
            wait_for(client, receipt, as_json=as_json)


def _payload(record: str | None, json_payload: str | None, file: Path | None, content_type: str | None) -> Payload:
    if record is not None:
        return json_object_of("--record", record)
    if json_payload is not None:
        return Json(json_of("--json-payload", json_payload))
    assert file, "the caller has seen that there is one"
    guessed = content_type or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    return Encoded(guessed, file.read_bytes())


def _refuse_idle(needed: str, options: Mapping[str, object], *, given: bool) -> None:
    """Refuse options that would do nothing."""
    for name, value in options.items():
        if value is not None and not given:
            raise typer.BadParameter(f"{name} goes with {needed}")


def _tasks_of(
    lines: Iterable[tuple[int, str]], connector: str, task_type: TaskType, id_field: str | None, options: TaskOptions
) -> Iterator[NewTask]:
    for number, line in lines:
        fields = json_object_of(f"line {number}", line)
        external_id = fields.get(id_field) if id_field else ""
        if isinstance(external_id, bool) or not isinstance(external_id, str | int):
            raise typer.BadParameter(f"line {number} has no {id_field} that is text or an integer")
        own: TaskOptions = {**options, "external_id": external_id}
        yield NewTask(connector, task_type, Json(fields), **own)


def _numbered(path: Path, *, every_line: bool) -> Iterator[tuple[int, str]]:
    """The lines that are not empty; with ``every_line`` there may be empty ones only at the end."""
    count = 0
    with sys.stdin.buffer if str(path) == "-" else path.open("rb") as source:
        for number, raw in enumerate(source, 1):
            line = _text_of(raw, number)
            if not line.strip():
                continue
            count += 1
            if every_line and number > count:
                raise typer.BadParameter(f"line {count} is empty; with --stream-id each line is a task")
            yield number, line


def _text_of(line: bytes, number: int) -> str:
    """A line as text: UTF-8 whatever the locale, in the first line perhaps behind a mark that says so."""
    try:
        return line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise typer.BadParameter(f"line {number} is not UTF-8: {error.reason} at byte {error.start + 1}") from None


def _log_lines(client: Client, tasks: Iterator[NewTask], stream_id: str, *, as_json: bool) -> None:
    try:
        if stream_id:
            stream_lines(client, tasks, stream_id, as_json=as_json)
        else:
            _log_batches(client, tasks, as_json=as_json)
    except typer.BadParameter as error:
        raise typer.BadParameter("\n".join([error.message, *error.__notes__])) from None


def _log_batches(client: Client, tasks: Iterator[NewTask], *, as_json: bool) -> None:
    stored = 0

    def show(progress: LogProgress) -> None:
        nonlocal stored
        stored = progress.logged
        bar.update(row, completed=stored)

    try:
        with progress_bar(as_json=as_json) as bar:
            row = bar.add_task("logged", total=None)
            logged = client.log_tasks(tasks, progress=show)
    except KeyboardInterrupt:
        text = f"interrupted: {counted(stored, 'task')} logged, and perhaps the next batch"
        typer.echo(f"{text}; with --stream-id a repetition goes on where it was", err=True)
        raise typer.Exit(INTERRUPTED) from None
    if as_json:
        print_json({"logged": len(logged.logged), "resume_token": logged.resume_token})
    else:
        typer.echo(f"{counted(len(logged.logged), 'task')} logged")


def _show(receipt: LoggedTask, *, as_json: bool) -> None:
    if as_json:
        print_json(receipt)
        return
    again = " (it was logged before)" if receipt.duplicate else ""
    typer.echo(f"task {receipt.id} is number {receipt.sequence} in the line of {receipt.connector}{again}")
