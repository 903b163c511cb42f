/** What ended unsent: failed, missed or unknown. Served by `scheduler_ended`, by the time at which it ended. */
export const ENDED_UNSENT = {
  isPicked: true,
  isSent: false,
  "delivery.settledAt": { $exists: true },
} as const;
