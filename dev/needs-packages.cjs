/** Loaded before a program of `dev/`, which would end with a stack trace where the development packages are missing. */
require("../ops/needs-node.cjs");

try {
  require.resolve("mongodb-memory-server");
} catch {
  console.error("This needs the development packages: npm ci");
  process.exit(1);
}
