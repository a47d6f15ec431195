// Every error code of the client, and a real server.
import { startNats } from '@deed/local/nats'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { ErrorCode } from 'nats'
import { describe, expect, it } from 'vitest'
import { openForeignNats, REFUSALS } from './foreign-nats.ts'

/** After these errors the same request may succeed by itself. */
const PASSING = [
  ...['503', '404', '408', '409', 'TIMEOUT', 'CONNECTION_CLOSED', 'CONNECTION_DRAINING', 'CONNECTION_REFUSED'],
  ...['CONNECTION_TIMEOUT', 'AUTHENTICATION_TIMEOUT', 'DISCONNECT', 'CANCELLED', 'SUB_CLOSED', 'SUB_DRAINING'],
  ...['BAD API', 'REQUEST_ERROR', 'UNKNOWN_ERROR', 'JESTREAM_INVALID_ACK', 'IDLE_HEARTBEAT', 'NATS_PROTOCOL_ERR'],
]

describe('an error of a NATS server', () => {
  it('is retried if it is temporary, and is permanent otherwise', () => {
    const codes = [...new Set<string>(Object.values(ErrorCode))]
    expect(codes.filter((code) => !REFUSALS.has(code)).sort()).toEqual(PASSING.sort())
  })

  it('is permanent for a wrong password, and temporary without a listener or a server', async () => {
    using folder = temporaryFolder()
    await using nats = await startNats({ dataDir: folder.path })
    const { user, pass } = nats.credentials('deed')
    const wrong = nats.url.replace('://', `://${user}:wrong-${pass}@`)
    await expect(openForeignNats(wrong)).rejects.toMatchObject({ code: 'effect_failed', retryable: false })
    await using client = await openForeignNats(nats.url.replace('://', `://${user}:${pass}@`))
    await expect(client.request('nobody.listens', '', 60_000)).rejects.toMatchObject({ code: 'unavailable' })
    const away = openForeignNats('nats://127.0.0.1:1')
    await expect(away).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  })
})
