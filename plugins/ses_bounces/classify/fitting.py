"""Keeps the fields of a decoded JSON object that have the right type: a wrong field must not hide the others.

Not by ``msgspec.convert``: its error has the value in its text, which a lone surrogate can't be encoded for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import msgspec

# None stands for what is no text: one of many that can't be read is a problem, and keeps its place.
Addresses = list[str | None]

_S = TypeVar("_S", bound=msgspec.Struct)
# What becomes of a value, by its type, or as one of any other type; without either it is left out.
_Makers = dict[type, Callable[[Any], Any]]
_ANY = object


def fit(loaded: dict[str, Any], struct: type[_S]) -> _S:
    """Build ``struct``, all of whose fields may be None, from what of a decoded object has the right type."""
    values = []
    for name, makers in _fields(struct):
        value = loaded.get(name)
        make = makers.get(type(value)) or makers.get(_ANY)
        values.append(None if make is None else make(value))
    return struct(*values)


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> tuple[tuple[str, _Makers], ...]:
    return tuple((field.name, _makers(field.type)) for field in msgspec.structs.fields(struct))


def _makers(type_: Any) -> _Makers:
    makers: _Makers = {_ANY: _as_it_is} if type_ is Any else {}
    for option in get_args(type_):
        kind, arguments = get_origin(option) or option, get_args(option)
        if kind is str or arguments == (str, Any):
            makers[kind] = _as_it_is
        elif option == Addresses:
            makers |= {list: _addresses, str: _one_address, _ANY: _no_address}
        elif kind is list:
            makers[list] = _texts if arguments == (str,) else functools.partial(_fit_each, struct=arguments[0])
        elif kind is dict:
            makers[dict] = _lists_of_texts
        elif kind is not NoneType:
            makers[dict] = functools.partial(fit, struct=kind)
    return makers


def _as_it_is(value: Any) -> Any:
    return value


def _fit_each(values: list[Any], struct: type[_S]) -> list[_S]:
    # An element that is no object keeps its place: one of many recipients that can't be read is a problem.
    return [fit(value, struct) if isinstance(value, dict) else struct() for value in values]


def _addresses(values: list[Any]) -> Addresses:
    return [value if isinstance(value, str) else None for value in values]


def _one_address(value: str) -> Addresses:
    # What is there and no list is taken for its one element.
    return [value] if value else []


def _no_address(value: Any) -> Addresses:
    return [None] if value else []


def _texts(values: list[Any]) -> list[str] | None:
    return values if all(isinstance(value, str) for value in values) else None


def _lists_of_texts(values: dict[str, Any]) -> dict[str, list[str]] | None:
    return values if all(isinstance(value, list) and _texts(value) is not None for value in values.values()) else None
