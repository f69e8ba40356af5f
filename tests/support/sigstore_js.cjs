// Verifies a Sigstore bundle that a key signed, with @sigstore/verify and without any log: node sigstore_js.cjs BUNDLE KEY
// KEY is a public key in PEM text. Exit 0 where the signature is valid; 1, with one line that says why, where it is not.
// NODE_PATH names the folder node_modules that holds the packages.
"use strict";
const fs = require("node:fs");
const { bundleFromJSON } = require("@sigstore/bundle");
const { Verifier, toSignedEntity, toTrustMaterial } = require("@sigstore/verify");

const [bundleFile, keyFile] = process.argv.slice(2);
const read = JSON.parse(fs.readFileSync(bundleFile, "utf8"));
const rawBytes = fs.readFileSync(keyFile, "utf8");
const { createPublicKey } = require("node:crypto");
const nobody = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [] };
// Any hint finds the one key given: a hint selects, and proves nothing.
const find = () => ({ publicKey: createPublicKey(rawBytes), validFor: () => true });

try {
  const verifier = new Verifier(toTrustMaterial(nobody, find), { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0 });
  verifier.verify(toSignedEntity(bundleFromJSON(read)));
} catch (error) {
  process.stdout.write(`refused: ${error.code ?? error.name}\n`);
  process.exit(1);
}
process.stdout.write("verified\n");
