"""Posts what the samples of docs/sinks.md make Ory Kratos and authentik post: the jsonnet through go-jsonnet, which is Kratos's own, the mapping
as authentik evaluates expressions, with the clients' own headers.

Reads {"document", "url", "key", "to", "token"} on standard input, writes [{"name", "status", "answer", "text"}] of what was posted and what came back.
"""

import base64
import http.client
import json
import re
import sys
import textwrap
import types
import urllib.parse

import _gojsonnet
import requests
import yaml

asked = json.load(sys.stdin)
samples = re.findall(r"^```(\w+)\n(.*?)^```$", asked["document"], re.DOTALL | re.MULTILINE)
posted = []


def sample(language, has):
    found = [text for tongue, text in samples if tongue == language and has in text]
    assert len(found) == 1, (language, has, len(found))
    return found[0]


def here(url):
    """The sample's URL, at the gateway that was started."""
    return asked["url"] + urllib.parse.urlsplit(url).path


def told(name, status, answer, text):
    posted.append({"name": name, "status": status, "answer": json.loads(answer), "text": text})


def kratos(media):
    """As courier/http_channel.go and request/builder.go: the message is the template's argument, its result the body."""
    config = yaml.safe_load(sample("yaml", "# kratos.yml"))["courier"]["channels"][0]
    assert (config["id"], config["type"]) == ("sms", "http")
    request = config["request_config"]
    text = f"Your login code is: {asked['token']}\n"
    message = {
        "recipient": asked["to"],
        "subject": "",
        "body": text,
        "template_type": "login_code_valid",
        "template_data": {"to": asked["to"], "login_code": asked["token"], "identity": {}, "request_url": "", "transient_payload": {}, "expires_in_minutes": 60},
        "message_type": "phone",
    }
    template = sample("jsonnet", "function(ctx)")
    body = _gojsonnet.evaluate_snippet(request["body"], template, tla_codes={"ctx": json.dumps(message)})
    if media != request["headers"]["Content-Type"]:
        # Go's url.Values, which are sorted by their names.
        body = urllib.parse.urlencode(sorted(json.loads(body).items()))
    auth = request["auth"]
    assert auth["type"] == "basic_auth" and auth["config"]["password"].startswith("rb_live_")
    pair = f"{auth['config']['user']}:{asked['key']}".encode()
    headers = request["headers"] | {
        "Content-Type": media,
        "Authorization": "Basic " + base64.b64encode(pair).decode(),
        "User-Agent": "Go-http-client/1.1",
        "Accept-Encoding": "gzip",
    }
    url = urllib.parse.urlsplit(here(request["url"]))
    line = http.client.HTTPConnection(url.hostname, url.port, timeout=10)
    line.request(request["method"], url.path, body.encode(), headers)
    answer = line.getresponse()
    told(f"kratos {media}", answer.status, answer.read(), text.strip())


def authentik(auth_type, is_mapped):
    """As stages/authenticator_sms/models.py: its own payload or the mapping's, as JSON, by requests."""
    # A blueprint's own tags stand in no sample; what there is is plain YAML.
    stage = yaml.safe_load(sample("yaml", "authenticatorsmsstage"))["entries"][0]["attrs"]
    assert stage["provider"] == "generic" and stage["auth"].startswith("rb_live_")
    text = f"Use this code to authenticate in authentik: {asked['token']}"
    payload = {"From": stage["from_number"], "To": asked["to"], "Body": asked["token"], "Message": text}
    if is_mapped:
        payload = mapped(types.SimpleNamespace(**stage))
        text = payload["Body"]
        assert asked["token"] in text
    # With Basic the key is the password, as the page says.
    by = {"auth": ("ringback", asked["key"])}
    if auth_type == "bearer":
        assert stage["auth_type"] == "bearer"
        by = {"headers": {"Authorization": f"Bearer {asked['key']}"}}
    answer = requests.post(here(stage["account_sid"]), json=payload, timeout=10, **by)
    told(f"authentik {auth_type}{' mapped' if is_mapped else ''}", answer.status_code, answer.content, text)


def mapped(stage):
    """An expression is a function's body; these are its arguments."""
    device = types.SimpleNamespace(phone_number=asked["to"])
    arguments = {"user": types.SimpleNamespace(username="ann"), "request": None, "device": device, "token": asked["token"], "stage": stage}
    source = f"def mapping({', '.join(arguments)}):\n" + textwrap.indent(sample("python", "device.phone_number"), "    ")
    names = {}
    exec(compile(source, "mapping", "exec"), names)
    return names["mapping"](**arguments)


kratos("application/json")
kratos("application/x-www-form-urlencoded")
authentik("bearer", False)
authentik("basic", False)
authentik("bearer", True)
print(json.dumps(posted))
