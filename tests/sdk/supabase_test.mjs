// The official client before the tests' gateway and a real PostgREST: it calls Herald's functions, is refused where Herald
// would be, and puts on the wire what Herald puts there.
//   node supabase_test.mjs LOCAL_SUPABASE CALL_STORE
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, beforeEach, test } from 'node:test'
import { createClient } from '@supabase/supabase-js'
import ws from 'ws'

const [supabaseProgram, callStore] = process.argv.slice(-2)
const supabase = spawn(supabaseProgram, { stdio: ['pipe', 'pipe', 'inherit'] })
let line = ''
for await (line of createInterface({ input: supabase.stdout })) break
if (!line.startsWith('{')) {
  console.log(line)
  process.exit(line.startsWith('skipped') ? 77 : 1)
}
const { url, ...keys } = JSON.parse(line)

after(() => supabase.stdin.end())

beforeEach(() => control('reset'))

async function control(what) {
  const answer = await fetch(`${url}/control/${what}`, { method: what === 'reset' ? 'POST' : 'GET' })
  assert.equal(answer.status, 200)
  return answer.json()
}

// Node.js 20 has no WebSocket of its own, which the client asks for when it is made.
const client = key => createClient(url, key, { auth: { persistSession: false }, realtime: { transport: ws } })

const now = 1768919445000
const release = { request: { worker: 'worker-1', now, claims: [{ event_id: 1, claim_no: 2 }] } }

async function succeeds(call) {
  const { data, error } = await call
  assert.equal(error, null, JSON.stringify(error))
  return data
}

for (const kind of ['service_role', 'secret']) {
  test(`a ${kind} key calls the functions`, async () => {
    const db = client(keys[kind])
    assert.ok(Number.isInteger((await succeeds(db.rpc('herald_schema_version'))).result))
    const { result: ids } = await succeeds(db.rpc('herald_insert_events',
      { request: { now, events: [{ type: 'document_uploaded' }] } }))
    assert.equal(ids.length, 1)
    const { result: explained } = await succeeds(db.rpc('herald_explain', { request: { event_id: ids[0] } }))
    assert.equal(explained.event.type, 'document_uploaded')
    assert.deepEqual(await succeeds(db.rpc('herald_release', release)), { result: 0 })
  })
}

for (const kind of ['anon', 'publishable']) {
  test(`a ${kind} key may call none of them`, async () => {
    const db = client(keys[kind])
    for (const [name, args] of [['herald_schema_version', {}], ['herald_claim', { request: {} }], ['herald_release', release]]) {
      const { data, error, status } = await db.rpc(name, args)
      assert.equal(data, null)
      assert.equal(status, 401)
      assert.equal(error.code, '42501')
    }
    const { error } = await db.from('herald_envelopes').select('*')
    assert.equal(error.code, '42501')
  })
}

test('a key of another project is refused', async () => {
  const { status, error } = await client('sb_secret_other').rpc('herald_release', release)
  assert.equal(status, 401)
  assert.equal(error.message, 'Invalid API key')
})

// What fetch and the client say about themselves, and what follows from the connection.
const notCompared = ['host', 'connection', 'user-agent', 'x-client-info', 'accept-language', 'accept-encoding',
  'sec-fetch-mode', 'content-length']

function fields(request) {
  const headers = request.headers.map(([name, value]) => [name.toLowerCase(), value])
  return {
    method: request.method,
    target: request.target,
    headers: Object.fromEntries(headers.filter(([name]) => !notCompared.includes(name))),
    body: JSON.parse(request.body)
  }
}

/// The two requests for the same call: Herald's and the client's.
async function bothRequests(key, ...more) {
  const herald = spawnSync(callStore, [url, key, ...more], { encoding: 'utf8' })
  assert.equal(herald.stderr, '')
  assert.equal(herald.stdout, '0\n')
  await succeeds(client(key).rpc('herald_release', release))
  const requests = (await control('requests')).filter(x => x.target.endsWith('/herald_release'))
  assert.equal(requests.length, 2)
  assert.ok(requests[0].headers.some(([name, value]) => name === 'User-Agent' && value.startsWith('herald/')))
  return requests.map(fields)
}

test('Herald puts a call with a legacy key on the wire as the client does', async () => {
  const [ours, theirs] = await bothRequests(keys.service_role)
  assert.deepEqual(ours, theirs)
})

test('Herald puts a call with a secret key on the wire as the client does, but for the bearer', async () => {
  const [ours, theirs] = await bothRequests(keys.secret)
  assert.equal(theirs.headers.authorization, `Bearer ${keys.secret}`)
  delete theirs.headers.authorization
  assert.deepEqual(ours, theirs)
})

test('Herald sends the bearer of a secret key where it is told to', async () => {
  const [ours, theirs] = await bothRequests(keys.secret, 'bearer')
  assert.deepEqual(ours, theirs)
})
