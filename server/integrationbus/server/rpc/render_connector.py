"""What connectors make, and what is wrong with them, as messages."""

from integrationbus.connectors.models import Dependency
from integrationbus.server.check import ConnectorCheck
from integrationbus.server.description import FieldView, ObjectTypeView
from integrationbus.v1 import connector_service_pb2, enums_pb2

__all__ = ["render_check", "render_object_type"]

_DEPENDENCIES = {
    Dependency.REQUIRED: enums_pb2.DEPENDENCY_REQUIRED,
    Dependency.REQUIRED_HAS_DEFAULT: enums_pb2.DEPENDENCY_REQUIRED_HAS_DEFAULT,
    Dependency.NOT_REQUIRED: enums_pb2.DEPENDENCY_NOT_REQUIRED,
    Dependency.BINDING: enums_pb2.DEPENDENCY_BINDING,
}


def render_check(check: ConnectorCheck) -> connector_service_pb2.ConnectorCheck:
    """A check."""
    return connector_service_pb2.ConnectorCheck(
        subject=check.subject, outcome=enums_pb2.CheckOutcome.ValueType(check.outcome), message=check.message
    )


def render_object_type(view: ObjectTypeView) -> connector_service_pb2.ObjectTypeDescription:
    """An internal type with its columns and parts."""
    return connector_service_pb2.ObjectTypeDescription(
        object_type=view.object_type,
        class_path=view.class_path,
        is_page=view.is_page,
        table=view.table,
        roles=view.roles,
        fields=[_field(field) for field in view.fields],
        parts=[
            connector_service_pb2.PartDescription(
                object_type=part.object_type,
                through=part.through,
                handling=enums_pb2.SnapshotHandling.ValueType(part.handling),
            )
            for part in view.parts
        ],
        site_binding=view.site_binding,
    )


def _field(field: FieldView) -> connector_service_pb2.FieldDescription:
    return connector_service_pb2.FieldDescription(
        name=field.name,
        type=field.type,
        nullable=field.nullable,
        has_default=field.may_be_left_out,
        target_type=field.target_type,
        dependency=enums_pb2.DEPENDENCY_UNSPECIFIED if field.dependency is None else _DEPENDENCIES[field.dependency],
        default_code_name=field.default_code_name,
    )
