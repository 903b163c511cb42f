/** WAHA's engines: the libraries it drives WhatsApp with. They answer differently. */
export type Engine = "NOWEB" | "GOWS" | "WEBJS";

/** WAHA's own words (the enum of its OpenAPI description), or one that a later WAHA may invent. */
export type SessionStatus =
  | "STOPPED"
  | "STARTING"
  | "SCAN_QR_CODE"
  | "PASSKEY_REQUIRED"
  | "PASSKEY_CONFIRMATION_REQUIRED"
  | "WORKING"
  | "FAILED"
  | (string & {});

/** A WhatsApp account as the simulated server knows it. */
export type SessionOptions = {
  name: string;
  /** Default: WORKING. */
  status?: SessionStatus;
  /** Default: the server's engine. One set here is also shown in the list of sessions. */
  engine?: Engine;
  /** How long one send takes, in ms. Default: the server's. */
  latencyMs?: number;
  /** Whether NOWEB keeps messages to look up; without it lookups answer 400. Default: true, unlike WAHA's own. */
  store?: boolean;
  /** What was set for the session alone, as the list of sessions shows it; nothing is sent there. Default: none. */
  webhooks?: object[];
  /** WhatsApp restricts the account until then; null: without a time. The list of sessions shows it from 2026.7.2 on. */
  restrictedUntil?: Date | null;
};

/** Where events go, set for the whole server, and how they fare on the way. */
export type WebhookOptions = {
  url: string;
  /** Default: none, and no signature. */
  key?: string;
  /** Each event leaves up to this late, at random, so that events overtake each other. In ms; default: 0, in order. */
  delayMs?: number;
  /** The shares of events that are sent twice, and never. Default: 0. */
  doubled?: number;
  lost?: number;
  /** From one try to the next, in ms. Default: 2000, as WAHA does. */
  retryMs?: number;
};

/** What is simulated: one WAHA server, at one version. */
export type WahaSimulatorOptions = {
  /** On 127.0.0.1; 0, the default, takes a free one. */
  port?: number;
  /** The `X-Api-Key` to ask for. Default: none, nothing is checked. */
  apiKey?: string;
  /** `YYYY.MM.BUILD`. Default: 2026.7.1. What a version lacks, the simulator lacks. */
  version?: string;
  /** CORE serves the session `default` only. Default: PLUS. */
  tier?: "CORE" | "PLUS";
  /** Default: NOWEB. */
  engine?: Engine;
  /** How long one send takes, in ms. Default: 0. */
  latencyMs?: number;
  /** How long WAHA waits for a session to be WORKING before its 422, in ms. Default: 5000, as WAHA does. */
  refusalDelayMs?: number;
  /** Default: one session, `default`, WORKING. */
  sessions?: SessionOptions[];
  /** False: no lookup of a single message, as on old servers. Default: true. */
  lookup?: boolean;
  /** True: only `/api/version`, as on old servers. Default: false, both paths answer. */
  legacyVersionPath?: boolean;
  /** Default: none. */
  webhooks?: WebhookOptions;
};

/** The options with every default filled in, but for the key and the webhooks, which may change and are kept apart. */
export type Settings = Required<Omit<WahaSimulatorOptions, "apiKey" | "sessions" | "port" | "webhooks">>;

/** Fills in the defaults. */
export function settingsFrom(options: WahaSimulatorOptions): Settings {
  return {
    version: options.version ?? "2026.7.1",
    tier: options.tier ?? "PLUS",
    engine: options.engine ?? "NOWEB",
    latencyMs: options.latencyMs ?? 0,
    refusalDelayMs: options.refusalDelayMs ?? 5000,
    lookup: options.lookup ?? true,
    legacyVersionPath: options.legacyVersionPath ?? false,
  };
}
