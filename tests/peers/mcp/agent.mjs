// What an agent does, whatever its client library: list, rent, wait while the SMS comes, cancel. Run by run.sh, with the gateway's facts in
// the environment; NAME is `sdk` (npm sdk 1.x, which speaks only the legacy era) or `legacy`, `auto` (npm client 2.x).
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";

const { MCP_URL, BASE_URL, ADMIN_URL, API_KEY, RINGBACK } = process.env;
const name = process.argv[2];

async function connect() {
  const headers = { Authorization: `Bearer ${API_KEY}` };
  const who = { name: "agent", version: "1" };
  if (name === "sdk") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const client = new Client(who);
    await client.connect(new StreamableHTTPClientTransport(new URL(MCP_URL), { requestInit: { headers } }));
    return client;
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const client = new Client(who, name === "auto" ? { versionNegotiation: { mode: "auto" } } : {});
  await client.connect(new StreamableHTTPClientTransport(new URL(MCP_URL), { requestInit: { headers } }));
  return client;
}

async function held() {
  for (;;) {
    const metrics = await (await fetch(`${ADMIN_URL}/metrics`)).text();
    if (/^ringback_longpoll_waiting 1$/m.test(metrics)) return;
    await new Promise((done) => setTimeout(done, 20));
  }
}

const client = await connect();
const tool = async (name, args = {}) => {
  const result = await client.callTool({ name, arguments: args });
  assert.ok(!result.isError, JSON.stringify(result));
  assert.deepEqual(JSON.parse(result.content[0].text), result.structuredContent);
  return result.structuredContent;
};

const { tools } = await client.listTools();
assert.deepEqual(tools.map((tool) => tool.name), ["verify_list_services", "verify_get_number", "verify_get_code", "verify_cancel"]);
const { services } = await tool("verify_list_services");
assert.ok(services.some((service) => service.serviceName === "google"));

const rented = await tool("verify_get_number", { serviceName: "google" });
const waiting = tool("verify_get_code", { verificationId: rented.id });
await held();
const sms = ["sim", "sms", "--gateway", BASE_URL, "--api-key", API_KEY, "--to", rented.number, "--from", "22000", "--text", "G-482913 is your code."];
await promisify(execFile)(RINGBACK, sms);
assert.deepEqual(await waiting, { status: "completed", otpCode: "482913" });

const other = await tool("verify_get_number", { serviceName: "google" });
assert.deepEqual(await tool("verify_cancel", { verificationId: other.id }), { id: other.id, status: "cancelled" });

const refused = await client.callTool({ name: "verify_cancel", arguments: { verificationId: rented.id } });
assert.equal(refused.isError, true);
// The older client does not tell, and has only this one.
const spoken = client.getNegotiatedProtocolVersion?.() ?? "2025-11-25";
await client.close();
assert.equal(spoken, name === "auto" ? "2026-07-28" : "2025-11-25");
console.log(`==> npm ${name === "sdk" ? "sdk 1.x" : `client 2.x ${name}`}: ${spoken}, four tools, a code while it waited`);
