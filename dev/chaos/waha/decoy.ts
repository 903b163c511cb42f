import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { RoundRecord } from "../record.ts";

/** Where WAHA redirects to when it does: no request should ever come there. It says yes to everything. */
export interface Decoy {
  url: string;
  readonly requests: RoundRecord["strayRequests"];
  close(): void;
}

export async function startDecoy(): Promise<Decoy> {
  const requests: RoundRecord["strayRequests"] = [];
  const server = createServer(({ method = "", url = "", headers }, response) => {
    requests.push({ method, path: url, hadKey: "x-api-key" in headers });
    response.writeHead(201, { "content-type": "application/json" }).end('{"id":"decoy"}');
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/elsewhere`,
    requests,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
