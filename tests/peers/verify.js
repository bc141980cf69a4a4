// As verify.py, with the npm libraries, and v1a with node's own crypto: the keys are taken from the JWKS as any JOSE library would.
const crypto = require("node:crypto");
const standardwebhooks = require("standardwebhooks");
const svix = require("svix");

function refused(check) {
  try {
    check();
  } catch {
    return;
  }
  throw new Error("an altered webhook was believed");
}

function libraries({ body, headers, secrets }) {
  let checked = 0;
  for (const secret of secrets) {
    for (const library of [standardwebhooks, svix]) {
      const webhook = new library.Webhook(secret);
      webhook.verify(body, headers);
      refused(() => webhook.verify(body + " ", headers));
      checked += 1;
    }
  }
  return checked;
}

function ed25519({ name, body, headers, jwks }) {
  const text = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const signatures = headers["webhook-signature"].split(" ").filter((one) => one.startsWith("v1a,"));
  for (const { kty, crv, x } of jwks) {
    const key = crypto.createPublicKey({ key: { kty, crv, x }, format: "jwk" });
    const believed = signatures.filter((one) => crypto.verify(null, text, key, Buffer.from(one.slice(4), "base64")));
    if (believed.length !== 1) throw new Error(`${name}: ${believed.length} signatures are of ${x}`);
    refused(() => {
      if (!crypto.verify(null, Buffer.from(text + " "), key, Buffer.from(believed[0].slice(4), "base64"))) throw new Error();
    });
  }
  return jwks.length;
}

const { deliveries, sign } = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const checked = deliveries.reduce((sum, one) => sum + libraries(one) + ed25519(one), 0);
const at = new Date(sign.timestamp * 1000);
const signed = {
  standardwebhooks: new standardwebhooks.Webhook(sign.secret).sign(sign.id, at, sign.body),
  svix: new svix.Webhook(sign.secret).sign(sign.id, at, sign.body),
};
process.stdout.write(JSON.stringify({ checked, signed }));
