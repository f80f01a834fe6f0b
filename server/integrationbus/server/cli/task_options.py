"""The options that describe a task, wherever a command makes one."""

from typing import Annotated

import typer

from integrationbus.client import TaskDataType, TaskType
from integrationbus.server.cli.names import named

__all__ = ["DataTypeOption", "ExternalIdOption", "ObjectTypeOption", "SiteOption", "TaskTypeArgument"]

TaskTypeArgument = Annotated[
    TaskType,
    typer.Argument(
        parser=named(TaskType),
        metavar="TASK_TYPE",
        show_choices=False,
        help="For example create-object; for all of them: integrationbus enums TaskType.",
    ),
]
ExternalIdOption = Annotated[str, typer.Option(help="The id of the object in the external system.")]
ObjectTypeOption = Annotated[str, typer.Option(help="The internal type, for example cms.user.")]
SiteOption = Annotated[str, typer.Option(help="The code name of the site; needed for pages.")]
DataTypeOption = Annotated[
    TaskDataType,
    typer.Option(
        parser=named(TaskDataType),
        metavar="DATA_TYPE",
        show_default="simple-snapshot",
        help="simple, simple-snapshot or snapshot.",
    ),
]
