"""What a client would not send although the schema lets it: a whole number with a fraction, as in 15.0, which JSON Schema takes for an integer."""

import schemathesis


def whole(value):
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def map_body(_context, body):
    return whole(body)
