import vercel from "../../vercel.json" with { type: "json" };

const [cron] = vercel.crons;
if (!cron) throw new Error("vercel.json names no cron");

/** Where the platform's cron calls the function. */
export const CRON_PATH = cron.path;

/** When it does so; the platform reads it as UTC. */
export const CRON_SCHEDULE = cron.schedule;
