"""Bills what `GET /api/usage/export` gave, as whoever takes CloudEvents does: each event is read by the CloudEvents SDK and counted once, by its
source and id. Input: `{"lines": [pages], "batch": text}`; output: what each subject owes, by either form."""

import decimal
import json
import sys

from cloudevents.core.exceptions import CloudEventValidationError
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent


def bill(texts):
    owed, counted = {}, set()
    for text in texts:
        event = JSONFormat().read(CloudEvent, text)
        name = (event.get_source(), event.get_id())
        if name not in counted:
            counted.add(name)
            assert event.get_type() == "verification.create" and event.get_datacontenttype() == "application/json", text
            assert event.get_time() is not None, text
            data = event.get_data()
            sums = owed.setdefault(event.get_subject(), {"quantity": 0, data["currency"]: decimal.Decimal(0)})
            sums["quantity"] += data["quantity"]
            sums[data["currency"]] += decimal.Decimal(data["cost"])
    return {"counted": len(counted), "owed": owed}


work = json.load(sys.stdin)
lines = [line for page in work["lines"] for line in page.splitlines()]
batch = [json.dumps(event) for event in json.loads(work["batch"])]
# The SDK makes up an id and a time where there is none, and refuses what has no source.
for line in lines + batch:
    assert {"id", "time", "specversion"} <= json.loads(line).keys(), line
try:
    bill([lines[0].replace('"source":', '"sauce":')])
    sys.exit("an event without a source was believed")
except CloudEventValidationError:
    pass
print(json.dumps({"lines": bill(lines), "batch": bill(batch)}, default=str))
