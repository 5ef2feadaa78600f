// A job queue at the work that Herald does for document events:
//   peer.mjs QUEUE setup URL                          a job for every event there is
//   peer.mjs QUEUE work URL CONCURRENCY [backlog]     says "ready", then works until its input ends
//   peer.mjs QUEUE feed URL EVENTS RATE               copies of the first events, each with its job in one transaction
// QUEUE is graphile_worker or pg_boss. One event is one statement, fan_out.sql.
import { readFileSync } from "node:fs";
import pg from "pg";

const [queue, verb, url, ...rest] = process.argv.slice(2);
const peer = await import(`./${queue}.mjs`);
const text = readFileSync(new URL("fan_out.sql", import.meta.url), "utf8");
const pool = new pg.Pool({ connectionString: url, max: 10 });
pool.on("error", console.error).on("connect", (client) => client.on("error", console.error));
const fanOut = (client, id) => client.query({ name: "fan_out", text, values: [id] });

async function work(concurrency, backlog) {
  // Connections are there before the clock starts.
  await Promise.all(Array.from({ length: concurrency + 1 }, () => pool.query("SELECT pg_sleep(0.05)")));
  const stop = await peer.work(pool, fanOut, () => console.log("ready"), { concurrency, backlog });
  process.stdin.resume();
  await new Promise((resolve) => process.stdin.on("end", resolve).on("error", resolve));
  await stop();
}

async function feed(count, rate) {
  await peer.prepareToEnqueue?.(pool);
  const client = await pool.connect();
  const start = performance.now();
  for (let i = 0; i < count; ++i) {
    const wait = start + (i * 1000) / rate - performance.now();
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    await client.query("BEGIN");
    const { rows } = await client.query({
      name: "feed",
      text: `INSERT INTO domain_events (event_type, actor_id, project_id, resource_id, payload)
        SELECT event_type, actor_id, project_id, resource_id, payload FROM domain_events WHERE id = $1 RETURNING id`,
      values: [1 + (i % 1000)],
    });
    await peer.enqueue(client, rows[0].id);
    await client.query("COMMIT");
  }
}

if (verb === "setup") await peer.setUp(pool);
else if (verb === "work") await work(Number(rest[0]), rest[1] === "backlog");
else if (verb === "feed") await feed(Number(rest[0]), Number(rest[1]));
else throw new Error(`unknown verb ${verb}`);
process.exit(0);
