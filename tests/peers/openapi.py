"""Holds a document of schemas/ to the rules of OpenAPI 3.1; its path is the one argument."""

import json
import sys

import openapi_spec_validator
import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    document = json.load(file) if sys.argv[1].endswith(".json") else yaml.safe_load(file)
openapi_spec_validator.validate(document, base_uri=f"file://{sys.argv[1]}")
item = next(iter({**document.get("webhooks", {}), **document.get("paths", {})}.values()))
next(operation for method, operation in item.items() if method in ("get", "post"))["responses"]["200"] = {"describes": "nothing"}
try:
    openapi_spec_validator.validate(document)
except Exception:
    sys.exit(0)
sys.exit("a broken document was believed")
