import { expect, test } from "vitest";
import { parseConfig } from "../../lib/config.ts";
import { checkExposure } from "./checks/exposure.ts";

const findingsAt = (WAHA_API_URL: string) => {
  const env = { DATABASE_URL: "mongodb://a:1,b:2/app", WAHA_API_URL, CRON_SECRET: "0123456789abcdef" };
  return checkExposure(env, parseConfig(env));
};

test.each([
  "http://203.0.113.7:3000",
  "http://waha.example.com",
  "http://172.32.0.1",
  "http://[2001:db8::1]",
])("%s can be read on the way", (address) => {
  expect(findingsAt(address)).toMatchObject([
    { level: "warning", message: expect.stringMatching(/public network/) },
  ]);
});

test.each([
  "https://waha.example.com",
  "http://localhost:3000",
  "http://waha:3000",
  "http://127.0.0.1",
  "http://10.1.2.3",
  "http://172.16.0.1",
  "http://192.168.1.2",
  "http://100.100.1.1",
  "http://[::1]:3000",
  "http://[fd00::1]",
  "http://nas.local",
  "http://waha.railway.internal",
])("%s stays among oneself, or is encrypted", (address) => {
  expect(findingsAt(address)).toEqual([]);
});
