"""What is wrong with a value, in words that say what to do.

The validator's own words speak to programmers ("Input should be …"); these are told to people, of
requests and settings alike.
"""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast

from pydantic import BaseModel, ValidationError

FORMS: dict[str, str] = {}
"""What a text should be that is not of a form, in words, by the form's pattern."""

_MOMENT = "give a moment with its offset, such as 2026-11-26T16:00:00+08:00"
_DAY = "give a day, such as 2026-11-26"
_WHOLE = "give a whole number"
_NUMBER = "give a number"
_YES_OR_NO = "give true or false"
_OBJECT = "give a JSON object"
_LIST = "give a list"
_ONE_OF = "give one of {expected}"
_WORDS = {
    "missing": "this is needed",
    "extra_forbidden": "there is no such field here",
    "greater_than": "give more than {gt}",
    "greater_than_equal": "give at least {ge}",
    "less_than": "give less than {lt}",
    "less_than_equal": "give at most {le}",
    "multiple_of": "give a multiple of {multiple_of}",
    "string_type": "give it as text, in quotation marks",
    "string_too_long": "give at most {max_length} characters",
    "string_too_short": "give at least {min_length} characters",
    "too_long": "give at most {max_length}",
    "too_short": "give at least {min_length}",
    "literal_error": _ONE_OF,
    "enum": _ONE_OF,
    "int_from_float": _WHOLE,
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_type": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_max_digits": "give at most {max_digits} digits",
    "decimal_max_places": "give at most {decimal_places} places",
    "decimal_whole_digits": "give at most {whole_digits} digits before the point",
    "bool_parsing": _YES_OR_NO,
    "bool_type": _YES_OR_NO,
    "list_type": _LIST,
    "tuple_type": _LIST,
    "set_type": _LIST,
    "dict_type": _OBJECT,
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "path_type": "give a path as text",
    "timezone_aware": _MOMENT,
    "datetime_type": _MOMENT,
    "datetime_parsing": _MOMENT,
    "datetime_from_date_parsing": _MOMENT,
    "date_type": _DAY,
    "date_parsing": _DAY,
    "date_from_datetime_parsing": _DAY,
    "date_from_datetime_inexact": _DAY,
}
"""By the validator's name for the fault; what stands in braces is what it expected."""


def form(pattern: str, words: str) -> str:
    """A pattern, and what to say of a text that is not of it."""
    FORMS[pattern] = words
    return pattern


def said(fault: Mapping[str, Any]) -> str:
    """One of a ValidationError's `errors()` in words."""
    expected = fault.get("ctx", {})
    words = FORMS.get(expected.get("pattern", ""))
    if words is None and str(fault["type"]).endswith("too_short") and expected["min_length"] == 1:
        words = "this is empty"
    if words is None and str(fault["type"]) in _WORDS:
        words = _WORDS[str(fault["type"])].format(**expected)
    return words or str(fault["msg"]).removeprefix("Value error, ")


def of_keys(error: ValidationError, model: type[BaseModel], at: str = "") -> str:
    """Every key at fault in a table of settings, which `at` begins the names of."""
    found = error.errors(include_input=False, include_url=False)
    return "; ".join(f"{_name(at, fault)}: {_of_key(fault, model)}" for fault in found)


def _name(at: str, fault: Mapping[str, Any]) -> str:
    """Of the key at fault; of the table where several of its keys do not go together."""
    return (at + ".".join(str(step) for step in fault["loc"])).removesuffix(".")


def _of_key(fault: Mapping[str, Any], model: type[BaseModel]) -> str:
    if fault["type"] != "extra_forbidden":
        return said(fault).replace(_OBJECT, "give a table")
    *tables, key = map(str, fault["loc"])
    for table in tables:
        model = cast("type[BaseModel]", model.model_fields[table].annotation)
    meant = get_close_matches(key, model.model_fields, 1)
    return f"there is no such key; is {meant[0]} meant?" if meant else "there is no such key"
