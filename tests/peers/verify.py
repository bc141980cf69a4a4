"""Checks webhooks with the libraries that receivers use (standardwebhooks, svix) and v1a with PyNaCl; each also signs once, for us to check.

Reads {"deliveries": [{"name", "headers", "body", "secrets", "public"}], "sign": {...}} on standard input, writes {"checked": n, "signed": {...}}.
"""

import base64
import datetime
import json
import sys

import nacl.exceptions
import nacl.signing
import standardwebhooks
import svix.webhooks


def refused(check, errors):
    try:
        check()
    except errors:
        return
    sys.exit("an altered webhook was believed")


def libraries(delivery):
    checked = 0
    body, headers = delivery["body"], delivery["headers"]
    for secret in delivery["secrets"]:
        for library in (standardwebhooks, svix.webhooks):
            webhook = library.Webhook(secret)
            webhook.verify(body, headers)
            refused(lambda: webhook.verify(body + " ", headers), library.WebhookVerificationError)
            checked += 1
    return checked


def ed25519(delivery):
    checked = 0
    headers = delivery["headers"]
    text = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{delivery['body']}".encode()
    signatures = [one[4:] for one in headers["webhook-signature"].split(" ") if one.startswith("v1a,")]
    for public in delivery["public"]:
        key = nacl.signing.VerifyKey(base64.b64decode(public.removeprefix("whpk_")))
        believed = 0
        for signature in map(base64.b64decode, signatures):
            try:
                key.verify(text, signature)
                believed += 1
            except nacl.exceptions.BadSignatureError:
                continue
            refused(lambda: key.verify(text + b" ", signature), nacl.exceptions.BadSignatureError)
        if believed != 1:
            sys.exit(f"{delivery['name']}: {believed} signatures are of {public}")
        checked += 1
    return checked


def main():
    work = json.load(sys.stdin)
    checked = sum(libraries(one) + ed25519(one) for one in work["deliveries"])
    sign = work["sign"]
    at = datetime.datetime.fromtimestamp(sign["timestamp"], tz=datetime.timezone.utc)
    signed = {
        name: library.Webhook(sign["secret"]).sign(sign["id"], at, sign["body"])
        for name, library in (("standardwebhooks", standardwebhooks), ("svix", svix.webhooks))
    }
    text = f"{sign['id']}.{sign['timestamp']}.{sign['body']}".encode()
    pair = nacl.signing.SigningKey(base64.b64decode(sign["seed"]))
    signed["pynacl"] = "v1a," + base64.b64encode(pair.sign(text).signature).decode()
    json.dump({"checked": checked, "signed": signed, "public": base64.b64encode(bytes(pair.verify_key)).decode()}, sys.stdout)


main()
