// fauxqs on the loopback interface: its own command listens on all of them. node server.mjs PORT
import { buildApp } from "fauxqs";

await buildApp({ logger: false }).listen({ host: "127.0.0.1", port: Number(process.argv[2]) });
