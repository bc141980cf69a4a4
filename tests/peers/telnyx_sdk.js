// Telnyx's own SDK, unchanged, against our /v2: profiles, templates, triggers, checks, paging and errors; then it unwraps the webhooks.
// Reads its work as JSON on standard input and answers as JSON: every body as it came, for the caller to hold it to the published schema.
const assert = require("node:assert");
const { Telnyx } = require("telnyx");

const work = JSON.parse(require("node:fs").readFileSync(0, "utf8"));

async function unwrap() {
  const client = new Telnyx({ apiKey: "none", baseURL: "http://127.0.0.1:9", publicKey: work.key });
  const kinds = [];
  for (const { body, headers } of work.deliveries) {
    const event = await client.webhooks.unwrap(body, { headers });
    kinds.push(event.data.event_type);
    await assert.rejects(async () => client.webhooks.unwrap(`${body} `, { headers }));
    await assert.rejects(async () => client.webhooks.unwrap(body, { headers: { ...headers, "telnyx-timestamp": "1" } }));
  }
  return { kinds };
}

async function use() {
  const bodies = [];
  const keep = async (url, init) => {
    const response = await fetch(url, init);
    const { pathname, search } = new URL(url.url ?? url);
    bodies.push([init.method.toUpperCase(), pathname + search, response.status, await response.clone().json()]);
    return response;
  };
  const client = new Telnyx({ apiKey: work.api_key, baseURL: work.base_url, fetch: keep });
  const { verifyProfiles: profiles, verifications } = client;
  const number = work.number;
  const template = (await profiles.createTemplate({ text: "Your {{app_name}} verification code is: {{code}}." })).data;
  await profiles.updateTemplate(template.id, { text: "{{code}} is it, says {{app_name}}." });
  assert((await profiles.retrieveTemplates()).data.some((known) => known.id === template.id));
  const made = (
    await profiles.create({
      name: work.name,
      language: "en-US",
      webhook_url: work.webhook_url,
      daily_spend_limit: 100.0,
      daily_spend_limit_enabled: true,
      sms: { app_name: "Example", code_length: 6, messaging_template_id: template.id, whitelisted_destinations: ["US"] },
      call: { default_verification_timeout_secs: 120 },
      flashcall: { app_name: "Example" },
      whatsapp: { whitelisted_destinations: ["*"] },
    })
  ).data;
  assert.equal((await profiles.update(made.id, { name: `${made.name} 2` })).data.sms.code_length, 6);
  assert.equal((await profiles.retrieve(made.id)).data.name, `${made.name} 2`);
  const others = [];
  for (let nth = 0; nth < 4; nth++) others.push((await profiles.create({ name: `${work.name} other ${nth}` })).data);
  const everything = [];
  for await (const profile of profiles.list({ page_size: 2 })) everything.push(profile.id);
  assert(everything.length >= 5 && new Set(everything).size === everything.length && everything.includes(made.id));
  const named = [];
  for await (const profile of profiles.list({ filter: { name: `${made.name} 2` } })) named.push(profile.id);
  assert.deepEqual(named, [made.id]);
  assert.equal((await profiles.delete(others[0].id)).data.id, others[0].id);

  const asked = { phone_number: number, verify_profile_id: made.id };
  const wish = { ...asked, custom_code: "43612", timeout_secs: 100 };
  const sms = (await verifications.triggerSMS(wish)).data;
  assert.deepEqual([sms.status, sms.type, sms.custom_code, sms.timeout_secs], ["pending", "sms", "43612", 100]);
  assert.equal((await verifications.triggerSMS(wish)).data.id, sms.id);
  for (const [code, word] of [["11111", "rejected"], ["43612", "accepted"], ["43612", "rejected"]]) {
    const answer = (await verifications.byPhoneNumber.actions.verify(number, { code, verify_profile_id: made.id })).data;
    assert.deepEqual([answer.phone_number, answer.response_code], [number, word]);
  }
  assert.equal((await verifications.retrieve(sms.id)).data.status, "accepted");
  const call = (await verifications.triggerCall({ ...asked, custom_code: "1234", extension: "1ww2" })).data;
  assert.equal((await verifications.actions.verify(call.id, { code: "1234" })).data.response_code, "accepted");
  const whatsapp = (await verifications.triggerWhatsappVerification({ ...asked, custom_code: "5678" })).data;
  assert.equal((await verifications.actions.verify(whatsapp.id, { status: "accepted" })).data.response_code, "accepted");
  const flashcall = (await verifications.triggerFlashcall(asked)).data;
  const listed = (await verifications.byPhoneNumber.list(number)).data.map((known) => known.id);
  assert.deepEqual(listed, [flashcall.id, whatsapp.id, call.id, sms.id]);

  const nobody = "01981234-5678-7abc-8def-0123456789ab";
  const refused = (kind, call) => assert.rejects(call, kind);
  await refused(Telnyx.NotFoundError, () => profiles.retrieve(nobody));
  await refused(Telnyx.NotFoundError, () => verifications.retrieve(nobody));
  await refused(Telnyx.BadRequestError, () => verifications.triggerSMS({ phone_number: "1", verify_profile_id: made.id }));
  await refused(Telnyx.PermissionDeniedError, () => verifications.triggerSMS({ phone_number: "+14165550143", verify_profile_id: made.id }));
  const stranger = new Telnyx({ apiKey: "none", baseURL: work.base_url, fetch: keep });
  await refused(Telnyx.AuthenticationError, () => stranger.verifyProfiles.retrieve(nobody));
  return { bodies, verification: sms.id };
}

("deliveries" in work ? unwrap() : use()).then(
  (answer) => console.log(JSON.stringify(answer)),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
