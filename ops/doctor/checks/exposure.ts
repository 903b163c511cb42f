import { BlockList, isIP } from "node:net";
import { ConnectionString } from "mongodb-connection-string-url";
import type { Config } from "../../../lib/config.ts";
import { type Finding, problem, warning } from "../finding.ts";

/** With fewer different characters a secret of sixteen is soon guessed; one of `openssl rand -hex 32` has some 16. */
const FEWEST_CHARACTERS = 8;

/** Options of MongoDB's addresses that let any server pass for the database (MongoDB's connection string options). */
const UNCHECKED = ["tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames"];

const SECRETS = ["CRON_SECRET", "STATUS_SECRET", "WAHA_WEBHOOK_KEY"] as const;

/** Finds settings that let strangers in, or read along. No value is told. */
export function checkExposure(env: NodeJS.ProcessEnv, config: Config): Finding[] {
  const weak = SECRETS.filter((name) => isWeak(config[name]));
  const { searchParams } = new ConnectionString(config.DATABASE_URL.url);
  const unchecked = UNCHECKED.filter((name) => searchParams.get(name) === "true");
  return [
    ...weak.map((name) =>
      problem("settings", `${name} is easily guessed`, `Set another ${name}, from openssl rand -hex 32`),
    ),
    ...unchecked.map((name) =>
      problem(
        "settings",
        `DATABASE_URL has ${name}=true, so any server may pass for the database`,
        "Remove it; name the certificate's authority by tlsCAFile",
      ),
    ),
    ...(env.NODE_TLS_REJECT_UNAUTHORIZED === "0"
      ? [
          problem(
            "settings",
            "NODE_TLS_REJECT_UNAUTHORIZED=0, so any server may pass for WAHA or the database",
            "Remove it; name the certificate's authority by NODE_EXTRA_CA_CERTS",
          ),
        ]
      : []),
    ...(isOpenHttp(config.WAHA_API_URL)
      ? [
          warning(
            "settings",
            "WAHA_API_URL is http:// on a public network, so the key and all messages can be read on the way",
            "Put a proxy with TLS before WAHA, and set its https:// address",
          ),
        ]
      : []),
  ];
}

function isWeak(secret: string | undefined): boolean {
  return secret !== undefined && new Set(secret).size < FEWEST_CHARACTERS;
}

/** Networks of one's own: RFC 1918, 6598 (also Tailscale's), 4193, and what never leaves a computer or a link. */
const PRIVATE = new BlockList();
for (const [net, prefix] of [
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  PRIVATE.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of [
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  PRIVATE.addSubnet(net, prefix, "ipv6");

/** Names that no public server has: those without a dot, a container's say, and those of RFC 6761, 6762, 8375 and the like. */
const PRIVATE_NAME = /^[^.]+$|\.(localhost|local|internal|lan|home\.arpa|test|invalid)$/i;

function isOpenHttp(address: string): boolean {
  const { hostname, protocol } = new URL(address);
  if (protocol !== "http:") return false;
  const host = hostname.replace(/^\[|\]$/g, "");
  const family = isIP(host);
  if (family === 0) return !PRIVATE_NAME.test(host);
  return !PRIVATE.check(host, family === 6 ? "ipv6" : "ipv4");
}
