/** Loaded before a program: on an older Node that would end with a stack trace about its files, or later with another. */
const OLDEST = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST) {
  console.error(
    `This needs Node ${OLDEST} or newer (https://nodejs.org), or the development packages, which hold one (npm ci). It runs on ${process.version}.`,
  );
  process.exit(1);
}
