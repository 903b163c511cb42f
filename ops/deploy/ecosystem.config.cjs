/** For PM2, from the root: pm2 start ops/deploy/ecosystem.config.cjs. Settings come from .env there. */
const { resolve } = require("node:path");

module.exports = {
  apps: [
    {
      name: "waha-scheduler",
      cwd: resolve(__dirname, "../.."),
      script: "ops/server/main.ts",
      // PM2 would take another program for a .ts file.
      interpreter: "node",
      // As `npm start` has it: V8 lets garbage lie as long as there is room.
      node_args: "--require ./ops/needs-node.cjs --max-old-space-size=128 --max-semi-space-size=2",
      exec_mode: "fork",
      instances: 1,
      // What Node finds compiled there it need not strip of its types again, which spares 25 MB of memory.
      env: {
        NODE_ENV: "production",
        NODE_COMPILE_CACHE: resolve(__dirname, "../../node_modules/.cache/node"),
      },
      // PM2 kills after 1.6 s unless told otherwise; what is in flight may take 10 s to settle.
      kill_timeout: 15_000,
      // A crash is followed by a new start. A wrong setting ends each at once, saying which: then a person must look.
      restart_delay: 5_000,
      min_uptime: 10_000,
      max_restarts: 5,
      max_memory_restart: "512M",
      merge_logs: true,
    },
  ],
};
