#!/usr/bin/env python3
"""Makes fuzz/corpus/<target>/ out of fixtures/: each vector of a carrier as a request for its target, each text for `otp`."""
import base64
import json
import pathlib

HERE = pathlib.Path(__file__).parent
FIXTURES = HERE.parent / "fixtures"
# Vectors whose target is not named as their file.
BY_SCHEME = {"vonage_sig": "vonage_sig", "signalwire_json": "signalwire_json", "signalwire_json_sha256": "signalwire_json"}
# Other carriers whose vectors a target can read too.
ALSO = {"sinch": ["generic_json"], "clicksend": ["generic_form"], "messagebird": ["bird"]}


def write(target, name, data):
    folder = HERE / "corpus" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


for file in sorted(FIXTURES.glob("carrier/*/vectors.json")):
    carrier = file.parent.name
    for vector in json.loads(file.read_text()):
        body = vector["body"].encode() if vector.get("body") is not None else base64.b64decode(vector["body_base64"])
        fields = "".join(f"\n{name}: {value}" for name, value in vector["headers"].items())
        request = f"{vector['method']} {vector['url']}{fields}\n\n".encode() + body
        for target in [BY_SCHEME.get(vector["scheme"], carrier), *ALSO.get(carrier, [])]:
            write(target, vector["name"], request)
for at, line in enumerate((FIXTURES / "otp/dev.jsonl").read_text().splitlines()):
    write("otp", f"dev-{at}", json.loads(line)["text"].encode())
