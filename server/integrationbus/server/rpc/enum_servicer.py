"""EnumService."""

from integrationbus.server.errors import EnumNotFound
from integrationbus.server.rpc.checks import MAX_NAME_BYTES, check_text
from integrationbus.server.rpc.context import Context
from integrationbus.server.rpc.enum_catalog import enum_catalog
from integrationbus.v1 import enum_service_pb2_grpc
from integrationbus.v1.enum_service_pb2 import GetEnumRequest, GetEnumResponse, ListEnumsRequest, ListEnumsResponse

__all__ = ["EnumServicer"]


class EnumServicer(enum_service_pb2_grpc.EnumServiceServicer):
    """Describes the enumerations."""

    async def ListEnums(self, request: ListEnumsRequest, context: Context) -> ListEnumsResponse:
        """See the proto."""
        return ListEnumsResponse(enums=enum_catalog().values())

    async def GetEnum(self, request: GetEnumRequest, context: Context) -> GetEnumResponse:
        """See the proto."""
        found = enum_catalog().get(check_text("name", request.name, MAX_NAME_BYTES))
        if found is None:
            raise EnumNotFound(request.name, hint=f"there are {', '.join(enum_catalog())}")
        return GetEnumResponse(enum=found)
