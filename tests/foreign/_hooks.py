"""What schemathesis must know that JSON Schema cannot say."""

import schemathesis


def has_float_spelling(value):
    """Whether a whole number is spelled as a float: JSON Schema takes 15.0 for an integer, our contract does not."""
    if isinstance(value, dict):
        return any(has_float_spelling(member) for member in value.values())
    if isinstance(value, list):
        return any(has_float_spelling(member) for member in value)
    return isinstance(value, float) and value.is_integer()


@schemathesis.hook
def filter_body(context, body):
    return not has_float_spelling(body)
