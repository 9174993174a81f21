"""What the pages have in common: cells of a table, and the bounds of a schema in words."""

_BOUNDS = {"minimum": "at least {}", "maximum": "at most {}", "minLength": "at least {} characters", "maxLength": "at most {} characters",
           "minItems": "at least {} items", "maxItems": "at most {} items", "maxProperties": "at most {} members",
           "pattern": "matches `{}`"}


def cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def bounds(schema: dict) -> str:
    """" (at least 1, at most 5)"; empty without any."""
    told = [text.format(str(schema[key]).replace("|", "\\|")) for key, text in _BOUNDS.items() if key in schema]
    return f" ({', '.join(told)})" if told else ""
