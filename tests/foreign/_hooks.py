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


@schemathesis.hook
def before_call(context, case, kwargs):
    """Time must not run away: the other checks stand on sessions, and no demo goes beyond the year 2099."""
    if case.operation.path == "/v1/demo/clock" and isinstance(case.body, dict):
        advance = case.body.get("advance")
        if isinstance(advance, int) and not isinstance(advance, bool) and 1 < advance < 2**32:
            case.body["advance"] = 1
