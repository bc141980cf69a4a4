"""What schemathesis cannot know: ids of what exists (RINGBACK_KNOWN), where it would only ever ask for what does not; and what it heard
(RINGBACK_HEARD), for the test that started it. And what a client would not send although the schema lets it: a whole number with a
fraction, as in 15.0, which JSON Schema takes for an integer."""

import itertools
import json
import os

import schemathesis

# By operation, by where it goes (`query`, `body`, ..): names, and of each what is sent, one after the other.
KNOWN = json.loads(os.environ["RINGBACK_KNOWN"])
TURNS = {operation: itertools.count() for operation in KNOWN}


def whole(value):
    if isinstance(value, dict):
        return {name: whole(member) for name, member in value.items()}
    if isinstance(value, list):
        return [whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


@schemathesis.hook
def map_body(_context, body):
    return whole(body)


def name_of(case):
    return case.operation.definition.raw.get("operationId")


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """What is meant to be right gets ids of what exists, every other time; what is meant to be wrong stays as wrong as it is."""
    places = KNOWN.get(name_of(case), {})
    if not places or case.meta is None or case.meta.generation.mode.is_negative:
        return
    turn, is_left = divmod(next(TURNS[name_of(case)]), 2)
    if is_left:
        return
    for place, members in places.items():
        sent = getattr(case, place)
        if hasattr(sent, "__setitem__"):
            for member, values in members.items():
                sent[member] = values[turn % len(values)]


@schemathesis.hook
def after_call(_context, case, response):
    with open(os.environ["RINGBACK_HEARD"], "a", encoding="utf-8") as file:
        file.write(f"{name_of(case)} {response.status_code}\n")
