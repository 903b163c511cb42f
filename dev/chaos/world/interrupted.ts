import { MongoError, MongoErrorLabel, MongoNetworkError, MongoServerSelectionError } from "mongodb";

/** Waits for a write that a failover may interrupt: it is made or not then, which the history tells. */
export async function unlessInterrupted(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    const isInterrupted =
      error instanceof MongoNetworkError ||
      error instanceof MongoServerSelectionError ||
      (error instanceof MongoError && error.hasErrorLabel(MongoErrorLabel.RetryableWriteError));
    if (!isInterrupted) throw error;
  }
}
