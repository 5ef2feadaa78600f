// pg-boss as the benchmark drives it.
import { PgBoss } from "pg-boss";

const queue = "fan_out";
let boss;

async function start(pool) {
  if (boss) return boss;
  boss = new PgBoss({ connectionString: pool.options.connectionString, useListenNotify: true, max: 10 });
  boss.on("error", (error) => console.error(error));
  await boss.start();
  await boss.createQueue(queue, { notify: true });
  return boss;
}

export async function setUp(pool) {
  await start(pool);
  const { rows } = await pool.query("SELECT id FROM domain_events ORDER BY id");
  for (let i = 0; i < rows.length; i += 1000)
    await boss.insert(queue, rows.slice(i, i + 1000).map(({ id }) => ({ data: { id } })));
  await boss.stop();
}

export async function prepareToEnqueue(pool) {
  await start(pool);
}

/** Puts the job for one event into the transaction of `client`. */
export async function enqueue(client, id) {
  const db = { executeSql: (text, values) => client.query(text, values) };
  await boss.send(queue, { id }, { db });
}

export async function work(pool, fanOut, ready, settings) {
  await start(pool);
  ready();
  const options = {
    localConcurrency: settings.concurrency,
    batchSize: settings.backlog ? 20 : 2,
    burstWhenBatchFull: true,
    pollingIntervalSeconds: 0.5,
    notifyPollingIntervalSeconds: 0.5,
  };
  await boss.work(queue, options, async (jobs) => {
    for (const job of jobs) await fanOut(pool, job.data.id);
  });
  return () => boss.stop({ graceful: true, timeout: 5000 });
}
