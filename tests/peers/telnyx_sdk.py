"""Telnyx's own SDK, unchanged, against our /v2: profiles, templates, triggers, checks, paging and errors; then it unwraps the webhooks.

Reads its work as JSON on standard input and answers as JSON: every body as it came, for the caller to hold it to the published schema.
"""

import json
import sys

import telnyx
from telnyx import DefaultHttpxClient, Telnyx

work = json.load(sys.stdin)


def unwrap():
    client = Telnyx(api_key="none", base_url="http://127.0.0.1:9", public_key=work["key"])
    kinds = []
    for delivery in work["deliveries"]:
        event = client.webhooks.unwrap(delivery["body"], headers=delivery["headers"])
        kinds.append(event.data.event_type)
        for body, headers in (delivery["body"] + " ", delivery["headers"]), (
            delivery["body"],
            {**delivery["headers"], "telnyx-timestamp": "1"},
        ):
            try:
                client.webhooks.unwrap(body, headers=headers)
            except ValueError:
                continue
            raise AssertionError("it was believed")
    return {"kinds": kinds}


def refused(kind, call):
    try:
        call()
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


def use():
    bodies = []

    def keep(response):
        response.read()
        request = response.request
        path = request.url.raw_path.decode()
        bodies.append([request.method, path, response.status_code, response.json()])

    http = DefaultHttpxClient(event_hooks={"response": [keep]})
    client = Telnyx(api_key=work["api_key"], base_url=work["base_url"], http_client=http)
    profiles, number = client.verify_profiles, work["number"]
    template = profiles.create_template(text="Your {{app_name}} verification code is: {{code}}.").data
    profiles.update_template(template.id, text="{{code}} is it, says {{app_name}}.")
    assert template.id in [known.id for known in profiles.retrieve_templates().data]
    made = profiles.create(
        name=work["name"],
        language="en-US",
        webhook_url=work["webhook_url"],
        daily_spend_limit=100.0,
        daily_spend_limit_enabled=True,
        sms={"app_name": "Example", "code_length": 6, "messaging_template_id": template.id, "whitelisted_destinations": ["US"]},
        call={"default_verification_timeout_secs": 120},
        flashcall={"app_name": "Example"},
        whatsapp={"whitelisted_destinations": ["*"]},
    ).data
    assert profiles.update(made.id, name=made.name + " 2").data.sms.code_length == 6
    assert profiles.retrieve(made.id).data.name == made.name + " 2"
    others = [profiles.create(name=f"{work['name']} other {nth}").data for nth in range(4)]
    everything = [profile.id for profile in profiles.list(page_size=2)]
    assert len(everything) == len(set(everything)) >= 5 and made.id in everything
    assert [profile.id for profile in profiles.list(filter={"name": made.name + " 2"})] == [made.id]
    assert profiles.delete(others[0].id).data.id == others[0].id

    asked = {"phone_number": number, "verify_profile_id": made.id}
    sms = client.verifications.trigger_sms(**asked, custom_code="43612", timeout_secs=100).data
    assert (sms.status, sms.type, sms.custom_code, sms.timeout_secs) == ("pending", "sms", "43612", 100)
    again = client.verifications.trigger_sms(**asked, custom_code="43612", timeout_secs=100).data
    assert again.id == sms.id
    by_number = client.verifications.by_phone_number
    for code, word in ("11111", "rejected"), ("43612", "accepted"), ("43612", "rejected"):
        answer = by_number.actions.verify(number, code=code, verify_profile_id=made.id).data
        assert (answer.phone_number, answer.response_code) == (number, word)
    assert client.verifications.retrieve(sms.id).data.status == "accepted"
    call = client.verifications.trigger_call(**asked, custom_code="1234", extension="1ww2").data
    assert client.verifications.actions.verify(call.id, code="1234").data.response_code == "accepted"
    whatsapp = client.verifications.trigger_whatsapp_verification(**asked, custom_code="5678").data
    assert client.verifications.actions.verify(whatsapp.id, status="accepted").data.response_code == "accepted"
    flashcall = client.verifications.trigger_flashcall(**asked).data
    listed = [known.id for known in by_number.list(number).data]
    assert listed == [flashcall.id, whatsapp.id, call.id, sms.id]

    nobody = "01981234-5678-7abc-8def-0123456789ab"
    refused(telnyx.NotFoundError, lambda: profiles.retrieve(nobody))
    refused(telnyx.NotFoundError, lambda: client.verifications.retrieve(nobody))
    refused(telnyx.BadRequestError, lambda: client.verifications.trigger_sms(phone_number="1", verify_profile_id=made.id))
    refused(telnyx.PermissionDeniedError, lambda: client.verifications.trigger_sms(phone_number="+14165550143", verify_profile_id=made.id))
    stranger = Telnyx(api_key="none", base_url=work["base_url"], http_client=http)
    refused(telnyx.AuthenticationError, lambda: stranger.verify_profiles.retrieve(nobody))
    return {"bodies": bodies, "verification": sms.id}


print(json.dumps(unwrap() if "deliveries" in work else use()))
