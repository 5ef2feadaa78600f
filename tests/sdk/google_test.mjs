// The official client against the fake Google: it takes the fake's answers for Google's own, and what it puts on the
// wire for a call is what Herald puts there.
//   node google_test.mjs FAKE_GOOGLE CALL_CALENDAR
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createInterface } from 'node:readline'
import { after, before, beforeEach, test } from 'node:test'
import { calendar as calendarApi } from '@googleapis/calendar'
import { OAuth2Client } from 'google-auth-library'

const [fakeProgram, callCalendar] = process.argv.slice(-2)
const clientId = '000000000000-fake.apps.googleusercontent.com'
const clientSecret = 'GOCSPX-fake/+='
const refreshToken = '1//0fake-refresh_token/with+special=chars'
const calendarId = 'user+tag@example.com'
const day = 24 * 60 * 60 * 1000
let fake, base, oauth, calendar

before(async () => {
  fake = spawn(fakeProgram, ['--client-id', clientId, '--client-secret', clientSecret],
    { stdio: ['pipe', 'pipe', 'inherit'] })
  for await (const line of createInterface({ input: fake.stdout })) {
    base = line
    break
  }
})

after(() => fake.stdin.end())

beforeEach(async () => {
  await control('POST', 'reset')
  await control('POST', 'accounts', {
    name: 'anna',
    refresh_token: refreshToken,
    calendars: [calendarId, 'en.usa#holiday@group.v.calendar.google.com'],
    unwatchable: ['en.usa#holiday@group.v.calendar.google.com']
  })
  oauth = client()
  calendar = calendarApi({ version: 'v3', rootUrl: `${base}/`, auth: oauth, retry: false })
})

async function control(method, what, body) {
  const answer = await fetch(`${base}/control/${what}`, { method, body: body && JSON.stringify(body) })
  assert.equal(answer.status, 200, await answer.clone().text())
  return answer.json()
}

function client(secret = clientSecret) {
  const out = new OAuth2Client({ clientId, clientSecret: secret, endpoints: { oauth2TokenUrl: `${base}/token` } })
  out.setCredentials({ refresh_token: refreshToken })
  return out
}

const channel = (more = {}) => ({
  id: '01234567-89ab-cdef-0123-456789abcdef',
  type: 'web_hook',
  address: 'https://app.example.com/hooks/google-calendar',
  token: 'opaque',
  params: { ttl: '604800' },
  ...more
})

const watch = (id, requestBody) => calendar.events.watch({ calendarId: id, requestBody })

async function fails(call, status, reason) {
  await assert.rejects(call, error => {
    assert.equal(error.status, status)
    const said = error.response.data.error
    assert.equal(said.errors?.[0].reason ?? said.details?.[0].reason ?? said, reason)
    return true
  })
}

test('a refresh gives an access token and keeps the refresh token', async () => {
  const { credentials } = await oauth.refreshAccessToken()
  assert.match(credentials.access_token, /^ya29\./)
  assert.equal(credentials.refresh_token, refreshToken)
  assert.ok(Math.abs(credentials.expiry_date - Date.now() - 3_599_000) < 60_000)
})

test('a revoked grant and a wrong client are told apart', async () => {
  await fails(client('wrong').refreshAccessToken(), 401, 'invalid_client')
  await control('POST', 'revoke', { account: 'anna' })
  await fails(oauth.refreshAccessToken(), 400, 'invalid_grant')
})

test('a channel is made, and ended once', async () => {
  const { status, data } = await watch(calendarId, channel())
  assert.equal(status, 200)
  const [made] = await control('GET', 'channels')
  assert.equal(made.calendar, calendarId)
  assert.deepEqual(data, {
    kind: 'api#channel',
    id: channel().id,
    resourceId: made.resource_id,
    resourceUri: data.resourceUri,
    token: 'opaque',
    expiration: String(made.expires_at)
  })
  const stop = () => calendar.channels.stop({ requestBody: { id: data.id, resourceId: data.resourceId } })
  assert.equal((await stop()).status, 204)
  assert.equal((await control('GET', 'channels'))[0].stopped, true)
  await fails(stop(), 404, 'notFound')
})

test('a calendar keeps its resource, and primary is the first', async () => {
  const one = await watch(calendarId, channel())
  const other = await watch('primary', channel({ id: 'another' }))
  assert.equal(one.data.resourceId, other.data.resourceId)
})

test('errors arrive by status and reason', async () => {
  await watch(calendarId, channel())
  await fails(watch(calendarId, channel()), 400, 'channelIdNotUnique')
  await fails(watch(calendarId, channel({ id: 'a.b' })), 400, 'invalid')
  await fails(watch(calendarId, channel({ id: 'a'.repeat(65) })), 400, 'invalid')
  await fails(watch(calendarId, channel({ id: 'b', address: 'http://app.example.com' })), 400, 'push.webhookUrlNotHttps')
  await fails(watch('missing@example.com', channel({ id: 'c' })), 404, 'notFound')
  await fails(watch('en.usa#holiday@group.v.calendar.google.com', channel({ id: 'd' })), 400,
    'pushNotSupportedForRequestedResource')
  for (const [error, status] of [['rateLimitExceeded', 403], ['insufficientPermissions', 403],
    ['ACCESS_TOKEN_SCOPE_INSUFFICIENT', 403], ['deleted', 410], ['backendError', 503]]) {
    await control('POST', 'faults', { call: 'watch', error })
    await fails(watch(calendarId, channel({ id: 'e' })), status, error)
  }
})

test('a token that has run out is replaced on the way', async () => {
  oauth.forceRefreshOnFailure = true
  await watch(calendarId, channel())
  await control('POST', 'advance', { ms: day / 24 })
  assert.equal((await watch(calendarId, channel({ id: 'later' }))).status, 200)
  const calls = await control('GET', 'requests')
  assert.deepEqual(calls.map(x => [x.call, x.status]),
    [['token', 200], ['watch', 200], ['watch', 401], ['token', 200], ['watch', 200]])
})

// What fetch adds to each request by itself, and what follows from the connection, the client's name or the token.
const notCompared = ['host', 'connection', 'user-agent', 'accept-language', 'accept-encoding', 'sec-fetch-mode',
  'content-length', 'x-goog-api-client']

function fields(request) {
  const headers = request.headers.map(([name, value]) => [name.toLowerCase(), value.replace(/simulated-\d+/, 'N')])
  const isForm = headers.some(([, value]) => value.startsWith('application/x-www-form-urlencoded'))
  return {
    method: request.method,
    target: request.target,
    headers: Object.fromEntries(headers.filter(([name]) => !notCompared.includes(name))),
    body: isForm ? [...new URLSearchParams(request.body)] : JSON.parse(request.body)
  }
}

test('Herald puts its calls on the wire as the client does', async () => {
  const probe = await watch(calendarId, channel({ id: 'probe' }))
  const before = (await control('GET', 'requests')).length
  const { id, address } = channel()
  const herald = spawnSync(callCalendar, [base], {
    input: JSON.stringify({
      client_id: clientId,
      client_secret: clientSecret,
      channel_secret: 'shared with the webhook',
      refresh_token: refreshToken,
      calendar_id: calendarId,
      channel_id: id,
      address,
      now: Number(probe.data.expiration) - 7 * day
    }),
    encoding: 'utf8'
  })
  assert.equal(herald.stderr, '')
  const answers = herald.stdout.trim().split('\n').map(x => JSON.parse(x))
  assert.deepEqual(answers, Array(3).fill({ verdict: 'done', why: '' }))
  const ours = (await control('GET', 'requests')).slice(before)
  assert.ok(ours.every(x => x.headers.some(([name, value]) => name === 'User-Agent' && value.startsWith('herald/'))))

  await oauth.refreshAccessToken()
  // The webhook's side of the token, computed as it would there.
  const token = createHmac('sha256', 'shared with the webhook').update(id).digest('hex')
  await fails(watch(calendarId, channel({ token })), 400, 'channelIdNotUnique')
  await fails(calendar.channels.stop({ requestBody: { id, resourceId: probe.data.resourceId } }), 404, 'notFound')
  const theirs = (await control('GET', 'requests')).slice(before + ours.length)
  assert.deepEqual(ours.map(fields), theirs.map(fields))
})
