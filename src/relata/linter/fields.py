"""Fields of records: what is missing, unknown or of the wrong type, told by the records' own types."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from msgspec import inspect

from relata.scene import Box

#: Kind of defect and its detail.
Defect = tuple[str, str]

_NAMES: tuple[tuple[type[inspect.Type], str], ...] = (
    (inspect.StrType, "text"),
    (inspect.IntType, "a whole number"),
    (inspect.FloatType, "a number"),
    (inspect.BoolType, "true or false"),
    (inspect.NoneType, "null"),
    (inspect.VarTupleType, "a list"),
    (inspect.TupleType, "a list"),
    (inspect.DictType, "an object"),
    (inspect.StructType, "an object"),
)
_PLAIN: dict[type[inspect.Type], Callable[[Any], bool]] = {
    inspect.StrType: lambda value: isinstance(value, str),
    inspect.IntType: lambda value: isinstance(value, int) and not isinstance(value, bool),
    inspect.FloatType: lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    inspect.BoolType: lambda value: isinstance(value, bool),
    inspect.NoneType: lambda value: value is None,
}


@cache
def shape(record: type) -> inspect.Type:
    """What a record's type asks for."""
    return inspect.type_info(record)


def defects(value: Any, wanted: inspect.Type, at: str = "") -> Iterator[Defect]:
    """Every place where a JSON value is not of the type wanted."""
    if isinstance(wanted, inspect.AnyType):
        return
    if isinstance(wanted, inspect.UnionType):
        yield from _one_of(value, wanted, at)
    elif isinstance(wanted, inspect.StructType) and wanted.cls is Box:
        if not (isinstance(value, list) and len(value) == 4 and all(map(_PLAIN[inspect.FloatType], value))):
            yield "bad-box", f"{at} is {shown(value)}"
    elif isinstance(wanted, inspect.StructType):
        yield from _struct(value, wanted, at) if isinstance(value, dict) else _wrong(value, wanted, at)
    elif isinstance(wanted, inspect.VarTupleType):
        yield from _items(value, wanted, at) if isinstance(value, list) else _wrong(value, wanted, at)
    elif isinstance(wanted, inspect.TupleType):
        if not isinstance(value, list) or len(value) != len(wanted.item_types):
            yield "wrong-type", f"{at} is {shown(value)}, not a list of {len(wanted.item_types)}"
            return
        for k, (item, inner) in enumerate(zip(value, wanted.item_types)):
            yield from defects(item, inner, f"{at}[{k}]")
    elif isinstance(wanted, inspect.DictType):
        if not isinstance(value, dict):
            yield from _wrong(value, wanted, at)
            return
        for key, item in value.items():
            yield from defects(item, wanted.value_type, f"{at}.{key}")
    elif isinstance(wanted, inspect.LiteralType):
        if value not in wanted.values:
            yield "wrong-type", f"{at} is {shown(value)}, not one of {', '.join(map(str, wanted.values))}"
    elif not _PLAIN[type(wanted)](value):
        yield from _wrong(value, wanted, at)


def shown(value: Any) -> str:
    """A value in a few words."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _wrong(value: Any, wanted: inspect.Type, at: str) -> Iterator[Defect]:
    kind = "images-not-a-list" if at == "images" and isinstance(value, str) else "wrong-type"
    yield kind, f"{at or 'the row'} is {shown(value)}, not {_name(wanted)}"


def _name(wanted: inspect.Type) -> str:
    return next((name for type, name in _NAMES if isinstance(wanted, type)), "what is asked for")


def _items(value: list[Any], wanted: inspect.VarTupleType, at: str) -> Iterator[Defect]:
    for k, item in enumerate(value):
        yield from defects(item, wanted.item_type, f"{at}[{k}]")


def _struct(value: dict[str, Any], wanted: inspect.StructType, at: str) -> Iterator[Defect]:
    before = f"{at}." if at else ""
    known = {field.encode_name: field for field in wanted.fields}
    for name, field in known.items():
        if name in value:
            yield from defects(value[name], field.type, before + name)
        elif field.required:
            yield "missing-field", f"{before}{name}"
    for name in value:
        if name not in known and name != wanted.tag_field:
            yield "unknown-field", f"{before}{name}"


def _one_of(value: Any, wanted: inspect.UnionType, at: str) -> Iterator[Defect]:
    """A value of one of several types; records among them are told apart by their tag."""
    structs = [type for type in wanted.types if isinstance(type, inspect.StructType)]
    if isinstance(value, dict) and structs:
        tagged = [type for type in structs if type.tag_field is None or value.get(type.tag_field) == type.tag]
        if tagged:
            yield from _struct(value, tagged[0], at)
        else:
            tags = ", ".join(str(type.tag) for type in structs)
            yield (
                "wrong-type",
                f"{at}.{structs[0].tag_field} is {shown(value.get(str(structs[0].tag_field)))}, not {tags}",
            )
        return
    if any(not any(True for _ in defects(value, type, at)) for type in wanted.types):
        return
    if value is not None and len(wanted.types) == 2 and any(isinstance(t, inspect.NoneType) for t in wanted.types):
        yield from defects(value, next(t for t in wanted.types if not isinstance(t, inspect.NoneType)), at)
        return
    names = " or ".join(dict.fromkeys(_name(type) for type in wanted.types))
    yield "wrong-type", f"{at} is {shown(value)}, not {names}"
