"""Rescues bodies with text that is not UTF-8 (an emitter cut a character in half), which upb refuses as a whole.

A string and a byte string look the same on the wire. So the body is parsed by a copy of the OTLP schema in which every
string is a byte string, the texts are mended, and the result is what the real schema parses.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from google.protobuf.descriptor import FileDescriptor  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError, Message  # type: ignore[import-untyped]

_Field = descriptor_pb2.FieldDescriptorProto


def mended(kind: type[Any], body: bytes) -> Any | None:
    """The request with each broken character replaced; None if it is not UTF-8 that is wrong with the body."""
    lenient = _lenient(kind.DESCRIPTOR.full_name, kind.DESCRIPTOR.file)
    try:
        request = lenient.FromString(body)
        _mend(request)
        return kind.FromString(request.SerializeToString())
    except DecodeError:
        return None


def _mend(message: Message) -> None:
    for field, value in message.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for each in value if field.is_repeated else (value,):
                _mend(each)
        elif field.type == field.TYPE_BYTES and not field.is_repeated and not _is_binary(field.full_name):
            setattr(message, field.name, value.decode("utf-8", "replace").encode())


def _is_binary(full_name: str) -> bool:
    return full_name.endswith(("_id", ".bytes_value"))


@cache
def _lenient(name: str, file: FileDescriptor) -> Any:
    pool = descriptor_pool.DescriptorPool()
    _add(pool, file, set())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def _add(pool: Any, file: FileDescriptor, added: set[str]) -> None:
    if file.name in added:
        return
    added.add(file.name)
    for needed in file.dependencies:
        _add(pool, needed, added)
    copy = descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(copy)
    for message in copy.message_type:
        _loosen(message)
    pool.AddSerializedFile(copy.SerializeToString())


def _loosen(message: descriptor_pb2.DescriptorProto) -> None:
    for field in message.field:
        if field.type == _Field.TYPE_STRING:
            field.type = _Field.TYPE_BYTES
    for nested in message.nested_type:
        _loosen(nested)
