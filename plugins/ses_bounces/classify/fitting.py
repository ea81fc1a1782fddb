"""Keeps the fields of a JSON object that have the right type: a wrong field must not hide the others.

Field by field, and only the fields that are wanted: what else a megabyte holds is passed over. A lone surrogate, which
JSON may spell and UTF-8 can't, is U+FFFD.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from types import NoneType
from typing import Any, TypeVar, get_args, get_origin

import msgspec

# None stands for what is no text: one of many that can't be read is a problem, and keeps its place.
Addresses = list[str | None]
TOO_DEEP = "nested too deeply"

_S = TypeVar("_S", bound=msgspec.Struct)
# What becomes of a value, by its first character, or as one of any other kind; without either it is left out.
_Makers = dict[int, Callable[[msgspec.Raw, int], Any]]
# Any other kind.
_ANY = 0

_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
# Characters that stand for none.
_MARKS = "\ufdd0\ufdd1\ufdd2\ufdd3"
# One without its other half: what comes before a low one, or behind a high one, belongs to it. What each begins with is
# looked for fastest, so the look behind comes last.
_LONE = re.compile(
    "[\ud800-\udfff](?:(?<=[\ud800-\udbff])(?![\udc00-\udfff])|(?<=[\udc00-\udfff])(?<![\ud800-\udbff].))", re.DOTALL
)
_HIGH, _LOW = r"\\u[dD][89abAB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F][0-9a-fA-F]{2}"
_LONE_ESCAPES = re.compile(
    rf"\\u[dD](?:[89abAB][0-9a-fA-F]{{2}}(?!{_LOW})|[c-fC-F][0-9a-fA-F]{{2}}(?<!{_HIGH}.{{6}}))", re.DOTALL
)
# Stands for an escaped backslash, in a text that has no lone surrogate.
_MARK = "\udfff"
# The extended client's libraries for Java and Python, old and new.
_S3_POINTER = re.compile(rb'"(?:software\.amazon\.payloadoffloading\.|com\.amazon\.sqs\.javamessaging\.)\w*S3Pointer"')
_TEXT, _OBJECT, _LIST, _NULL = b'"{[n'


def decode_leniently(text: str, struct: type[_S], levels: int) -> _S | list[msgspec.Raw] | str:
    """Decode JSON that is not as it should be, as far as it goes.

    :param struct: all of whose fields may be None.
    :param levels: how deep in one another objects of its own kind are looked at: each level costs reading the text once
        more. What is deeper counts as empty.
    :returns: the object; or the elements of a list, for :func:`fit_each`; or the reason why there is neither.
    """
    try:
        try:
            return _fit_text(text, struct, levels)
        except msgspec.ValidationError:
            return "not a JSON object"
        except (msgspec.DecodeError, UnicodeError):
            mended = without_escaped_surrogates(text) if "\\ud" in text.lower() else without_surrogates(text)
            return "not JSON" if mended == text else _fit_text(mended, struct, levels)
    except msgspec.ValidationError:
        return "not a JSON object"
    except (msgspec.DecodeError, UnicodeError):
        return "not JSON"
    except RecursionError:
        return TOO_DEEP


def _fit_text(text: str, struct: type[_S], levels: int) -> _S | list[msgspec.Raw] | str:
    if not text.startswith("["):
        return fit(text, struct, levels)
    elements = msgspec.json.decode(text, type=list[msgspec.Raw])
    if elements and _S3_POINTER.fullmatch(memoryview(elements[0])):
        return "a pointer of the SQS extended client: the body lies in S3"
    return elements


def fit(text: str | msgspec.Raw, struct: type[_S], levels: int) -> _S:
    """Build ``struct``, all of whose fields may be None, from what of a JSON object has the right type.

    :raises msgspec.ValidationError: it is no object.
    :raises msgspec.DecodeError: it is no JSON.
    """
    raws, makers = _raw_of(struct)
    loaded = msgspec.json.decode(text, type=raws)
    values = []
    for name, make_of in makers:
        raw = getattr(loaded, name)
        make = make_of.get(_first(raw)) or make_of.get(_ANY)
        values.append(None if make is None else make(raw, levels))
    return struct(*values)


def fit_each(elements: Iterable[msgspec.Raw], struct: type[_S], levels: int) -> list[_S]:
    """Build one for each element of a JSON list.

    An element that is no object keeps its place: one of many recipients that can't be read is a problem.
    """
    nothing = struct()
    return [_object(raw, levels, struct) if _first(raw) == _OBJECT else nothing for raw in elements]


def without_surrogates(text: str) -> str:
    """Return a text in which each lone surrogate is U+FFFD, and each pair the character that it stands for."""
    try:
        text.encode()
    except UnicodeError:
        pass
    else:
        return text
    # No function of ours for each of a megabyte, nor an error handler of a codec: that takes a second. Only UTF-8's own
    # "replace" is none; what it puts in must not be there already.
    mark = next((mark for mark in _MARKS if mark not in text), None)
    if mark is None or _PAIR.search(text):
        return _LONE.sub("\ufffd", text).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    marked = text.replace("?", mark).encode("utf-8", "replace").decode()
    return marked.replace("?", "\ufffd").replace(mark, "?")


def without_escaped_surrogates(text: str) -> str:
    """The same of a text in JSON, where they are escapes; pairs of these stay as they are."""
    marked = without_surrogates(text).replace("\\\\", _MARK)
    return _LONE_ESCAPES.sub("\ufffd", marked).replace(_MARK, "\\\\")


@functools.cache
def _raw_of(struct: type[msgspec.Struct]) -> tuple[type[Any], tuple[tuple[str, _Makers], ...]]:
    """Return the struct of the same fields as they are spelled, and what becomes of each."""
    fields = msgspec.structs.fields(struct)
    raws = msgspec.defstruct(
        f"Raw{struct.__name__}",
        [(field.name, msgspec.Raw, msgspec.field(default=_NOTHING, name=field.encode_name)) for field in fields],
        gc=False,
    )
    return raws, tuple((field.name, _makers(field.type)) for field in fields)


_NOTHING = msgspec.Raw(b"null")


def _makers(type_: Any) -> _Makers:
    as_text = functools.partial(_typed, type_=str)
    makers: _Makers = {}
    for option in get_args(type_):
        kind, arguments = get_origin(option) or option, get_args(option)
        if kind is str:
            makers[_TEXT] = as_text
        elif kind is bool:
            makers[_ANY] = _is_there
        elif option == Addresses:
            makers |= {_LIST: _addresses, _TEXT: _one_address, _ANY: _no_address}
        elif kind is list and issubclass(arguments[0], msgspec.Struct):
            makers[_LIST] = functools.partial(_each, struct=arguments[0])
        elif kind is list:
            makers[_LIST] = functools.partial(_typed, type_=option)
        elif kind is dict:
            makers[_OBJECT] = functools.partial(_typed, type_=option)
        elif kind is not NoneType:
            makers[_OBJECT] = functools.partial(_object, struct=kind)
    return makers


def _typed(raw: msgspec.Raw, _levels: int, type_: Any) -> Any:
    try:
        return msgspec.json.decode(raw, type=type_)
    except (msgspec.DecodeError, UnicodeError):
        return None


def _object(raw: msgspec.Raw, levels: int, struct: type[_S]) -> _S:
    # Most are as they should be.
    found: _S | None = _typed(raw, levels, struct)
    if found is not None:
        return found
    return fit(raw, struct, levels - 1) if levels else struct()


def _each(raw: msgspec.Raw, levels: int, struct: type[_S]) -> list[_S]:
    return fit_each(msgspec.json.decode(raw, type=list[msgspec.Raw]), struct, levels)


def _is_there(raw: msgspec.Raw, _levels: int) -> bool | None:
    # Whichever number, list or object it is.
    return None if _first(raw) == _NULL else True


def _addresses(raw: msgspec.Raw, levels: int) -> Addresses:
    elements = msgspec.json.decode(raw, type=list[msgspec.Raw])
    return [_typed(element, levels, str) if _first(element) == _TEXT else None for element in elements]


def _one_address(raw: msgspec.Raw, levels: int) -> Addresses:
    # What is there and no list is taken for its one element.
    text = _typed(raw, levels, str)
    return [] if text == "" else [text]


def _no_address(raw: msgspec.Raw, _levels: int) -> Addresses:
    return [] if bytes(raw) in (b"null", b"false", b"{}") else [None]


def _first(raw: msgspec.Raw) -> int:
    first: int = memoryview(raw)[0]
    return first
