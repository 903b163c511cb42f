import { MongoError, MongoErrorLabel, MongoNetworkError, MongoServerSelectionError } from "mongodb";

/**
 * Waits for a write that a failover may interrupt: it is made or not then, which the history tells.
 *
 * @returns what the write came to; undefined where it was interrupted
 */
export async function unlessInterrupted<T>(write: Promise<T>): Promise<T | undefined> {
  try {
    return await write;
  } catch (error) {
    const isInterrupted =
      error instanceof MongoNetworkError ||
      error instanceof MongoServerSelectionError ||
      (error instanceof MongoError && error.hasErrorLabel(MongoErrorLabel.RetryableWriteError));
    if (!isInterrupted) throw error;
    return undefined;
  }
}
