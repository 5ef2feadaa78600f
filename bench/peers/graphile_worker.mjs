// graphile-worker as the benchmark drives it.
import { run, runMigrations } from "graphile-worker";

export async function setUp(pool) {
  await runMigrations({ pgPool: pool });
  await pool.query(`SELECT graphile_worker.add_job('fan_out', json_build_object('id', id)) FROM domain_events ORDER BY id`);
}

/** Puts the job for one event into the transaction of `client`. */
export async function enqueue(client, id) {
  await client.query(`SELECT graphile_worker.add_job('fan_out', json_build_object('id', $1::bigint))`, [id]);
}

export async function work(pool, fanOut, ready, settings) {
  const quiet = { error() {}, warn() {}, info() {}, debug() {} };
  ready();
  const runner = await run({
    pgPool: pool,
    taskList: { fan_out: async (payload, helpers) => helpers.withPgClient((client) => fanOut(client, payload.id)) },
    logger: new (await import("graphile-worker")).Logger(() => (level, message) => quiet[level]?.(message)),
    noHandleSignals: true,
    preset: {
      worker: {
        concurrentJobs: settings.concurrency,
        // Batching costs latency and helps a backlog, so each of the two gets what suits it.
        ...(settings.backlog ? { localQueue: { size: 100 }, completeJobBatchDelay: 0 } : {}),
      },
    },
  });
  return () => runner.stop();
}
