import { MOVED_SETTINGS, SettingsSchema } from "../lib/config.ts";
import { distance } from "./distance.ts";
import { ServerSettingsSchema } from "./server/settings.ts";

/** A name in the environment that is no setting, and the setting that it was probably meant to be. */
export interface NearMiss {
  given: string;
  meant: string;
}

/** Shorter names resemble too many others. */
const SHORTEST = 6;

/** From this length on two letters may differ. */
const LONG = 10;

const SETTINGS = [...Object.keys(SettingsSchema.shape), ...Object.keys(ServerSettingsSchema.shape)];
const NAMES = [...SETTINGS, ...Object.keys(MOVED_SETTINGS)];

/** Finds names in an environment that resemble a setting that is not set: nothing would read them. */
export function findNearMisses(env: NodeJS.ProcessEnv): NearMiss[] {
  const unset = NAMES.filter((name) => env[name] === undefined);
  return Object.keys(env)
    .filter((given) => given.length >= SHORTEST && !NAMES.includes(given))
    .flatMap((given) => {
      const meant = unset.find((name) => isNear(given.toUpperCase(), name));
      return meant === undefined ? [] : [{ given, meant }];
    })
    .sort((a, b) => a.given.localeCompare(b.given));
}

/** What to say of one; never its value. */
export function tellNearMiss({ given, meant }: NearMiss): string {
  const key = MOVED_SETTINGS[meant];
  return `${given} is no setting; ${key ? `${key} in DOCUMENTS` : meant}?`;
}

/** The beginning of its name, all of its words but some, or its letters but one or two. */
function isNear(given: string, name: string): boolean {
  if (name.startsWith(`${given}_`)) return true;
  const words = given.split("_");
  const own = name.split("_");
  if (words.length > 1 && words[0] === own[0] && words.every((word) => own.includes(word))) return true;
  return distance(given, name) <= (name.length >= LONG ? 2 : 1);
}
