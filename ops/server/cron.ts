import vercel from "../../vercel.json" with { type: "json" };

/** They may be taken out, as the documentation says, where something else calls the function. */
const { crons = [] }: { crons?: { path: string; schedule: string }[] } = vercel;

const { path, schedule } = crons[0] ?? { path: "/api/cron", schedule: "* * * * *" };

/** Where the platform's cron calls the function. */
export const CRON_PATH = path;

/** When it does so; the platform reads it as UTC. */
export const CRON_SCHEDULE = schedule;
