// The official client against the fake Resend: it takes the fake's answers for Resend's own, and what it puts on
// the wire for a message is what Herald puts there.
//   node resend_test.mjs FAKE_RESEND SEND_MAIL
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { after, before, beforeEach, test } from 'node:test'
import { Resend } from 'resend'

const [fakeProgram, sendMail] = process.argv.slice(-2)
const key = 're_test_key'
let fake, base, resend

before(async () => {
  fake = spawn(fakeProgram, ['--api-key', key], { stdio: ['pipe', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: fake.stdout })) {
    base = line
    break
  }
  resend = new Resend(key, { baseUrl: base })
})

after(() => fake.stdin.end())

beforeEach(() => control('POST', 'reset'))

async function control(method, what, body) {
  const answer = await fetch(`${base}/control/${what}`, { method, body: body && JSON.stringify(body) })
  assert.equal(answer.status, 200)
  return answer.json()
}

const mail = (more = {}) => ({
  from: 'Acme <notifications@acme.org>',
  to: 'delivered@resend.dev',
  replyTo: 'support@acme.org',
  subject: 'Déjà vu ✓',
  html: '<p>it works</p>',
  text: 'it works',
  headers: {
    'List-Unsubscribe': '<https://acme.org/u/tok>, <mailto:unsubscribe@acme.org?subject=unsubscribe>',
    'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click'
  },
  tags: [{ name: 'mail', value: '1234' }, { name: 'kind', value: 'digest' }],
  ...more
})

async function succeeds(call) {
  const { data, error } = await call
  assert.equal(error, null)
  return data
}

async function fails(call, statusCode, name) {
  const { data, error } = await call
  assert.equal(data, null)
  assert.equal(error.statusCode, statusCode)
  assert.equal(error.name, name)
  return error
}

test('a single mail is accepted', async () => {
  const data = await succeeds(resend.emails.send(mail()))
  const [accepted] = await control('GET', 'accepted')
  assert.equal(data.id, accepted.id)
  assert.equal(accepted.subject, 'Déjà vu ✓')
  assert.deepEqual(accepted.tags, { mail: '1234', kind: 'digest' })
})

test('a batch in permissive mode reports its bad mails', async () => {
  const batch = [mail(), mail({ to: [] }), mail({ to: 'someone@example.com' }), mail()]
  const data = await succeeds(resend.batch.send(batch, { batchValidation: 'permissive' }))
  assert.equal(data.data.length, 2)
  assert.deepEqual(data.errors.map(x => x.index), [1, 2])
  assert.equal(data.errors[0].message, 'The `to` field is missing.')
})

test('a batch in strict mode fails as a whole', async () => {
  await fails(resend.batch.send([mail(), mail({ to: 'nobody' })]), 422, 'validation_error')
  assert.equal((await control('GET', 'stats')).accepted_mails, 0)
})

test('a repeat under the same key gives the first answer', async () => {
  const first = await succeeds(resend.emails.send(mail(), { idempotencyKey: 'k' }))
  const again = await succeeds(resend.emails.send(mail(), { idempotencyKey: 'k' }))
  assert.equal(again.id, first.id)
  const stats = await control('GET', 'stats')
  assert.equal(stats.accepted_mails, 1)
  assert.equal(stats.replays, 1)
})

test('another mail under the same key is refused', async () => {
  await succeeds(resend.emails.send(mail(), { idempotencyKey: 'k' }))
  await fails(resend.emails.send(mail({ subject: 'other' }), { idempotencyKey: 'k' }), 409, 'invalid_idempotent_request')
})

test('a second request under a key that is still at work is refused', async () => {
  await control('POST', 'faults', { kind: 'hold' })
  const first = resend.emails.send(mail(), { idempotencyKey: 'k' })
  while ((await control('GET', 'accepted')).length === 0) continue
  await fails(resend.emails.send(mail(), { idempotencyKey: 'k' }), 409, 'concurrent_idempotent_requests')
  await control('POST', 'release')
  await succeeds(first)
})

test('errors arrive by status and name', async () => {
  await fails(new Resend('re_wrong', { baseUrl: base }).emails.send(mail()), 403, 'invalid_api_key')
  await fails(resend.emails.send(mail({ to: 'someone@example.com' })), 422, 'validation_error')
  await fails(resend.emails.send(mail({ from: 'nobody' })), 422, 'invalid_from_address')
  await fails(resend.emails.send(mail(), { idempotencyKey: 'k'.repeat(257) }), 400, 'invalid_idempotency_key')
  for (const [name, status] of [['daily_quota_exceeded', 429], ['monthly_quota_exceeded', 429], ['security_error', 451],
    ['internal_server_error', 500]]) {
    await control('POST', 'faults', { kind: 'error', name })
    await fails(resend.emails.send(mail()), status, name)
  }
})

test('an answer that is no JSON keeps its status', async () => {
  await control('POST', 'faults', { kind: 'answer', status: 502, body: '<html>', headers: { 'content-type': 'text/html' } })
  await fails(resend.emails.send(mail()), 502, 'application_error')
})

test('the limiter refuses what is too fast', async () => {
  await control('POST', 'limit', { per_second: 1 })
  const results = []
  for (let i = 0; i < 4; ++i) results.push(await resend.emails.send(mail()))
  await control('POST', 'limit', { per_second: null })
  assert.ok(results.some(x => x.error?.name === 'rate_limit_exceeded'))
  assert.ok((await control('GET', 'stats')).rate_limited >= 1)
})

// What fetch adds to each request by itself, and what follows from the connection or the client's name.
const notCompared = ['host', 'connection', 'user-agent', 'accept-language', 'accept-encoding', 'sec-fetch-mode',
  'content-length']

function fields(request) {
  const headers = request.headers.map(([name, value]) => [name.toLowerCase(), value])
  return {
    method: request.method,
    target: request.target,
    headers: Object.fromEntries(headers.filter(([name]) => !notCompared.includes(name))),
    body: JSON.parse(request.body)
  }
}

async function sameOnTheWire(message, viaClient) {
  const input = JSON.stringify(message).replaceAll('"replyTo":', '"reply_to":')
  const herald = spawnSync(sendMail, [base, key, 'prod/1'], { input, encoding: 'utf8' })
  assert.equal(herald.stderr, '')
  assert.equal(JSON.parse(herald.stdout).status, 200, herald.stdout)
  await viaClient()
  const [ours, theirs] = await control('GET', 'requests')
  assert.ok(ours.headers.some(([name, value]) => name === 'User-Agent' && value.startsWith('herald/')))
  assert.deepEqual(fields(ours), fields(theirs))
}

test('Herald puts a single mail on the wire as the client does', async () => {
  const message = mail()
  await sameOnTheWire(message, async () => {
    await control('POST', 'expire')
    // Herald names its one recipient in a list.
    await succeeds(resend.emails.send({ ...message, to: [message.to] }, { idempotencyKey: 'prod/1' }))
  })
})

test('Herald puts a batch on the wire as the client does', async () => {
  const messages = [mail(), mail({ to: 'bounced@resend.dev', subject: 'other', replyTo: undefined })]
  await sameOnTheWire(messages, async () => {
    await control('POST', 'expire')
    await succeeds(resend.batch.send(messages.map(x => ({ ...x, to: [x.to] })),
      { idempotencyKey: 'prod/1', batchValidation: 'permissive' }))
  })
})
