"""Holds schemas/webhooks.json to the rules of OpenAPI 3.1; the path is the one argument."""

import json
import sys

import openapi_spec_validator

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file)
openapi_spec_validator.validate(document, base_uri=f"file://{sys.argv[1]}")
document["webhooks"]["verification.created"]["post"]["responses"]["200"] = {"describes": "nothing"}
try:
    openapi_spec_validator.validate(document)
except Exception:
    sys.exit(0)
sys.exit("a broken document was believed")
