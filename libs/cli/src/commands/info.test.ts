// How to connect, without telling everybody who looks over the shoulder.
import { describe, expect, it } from 'vitest'
import type { Address } from '../connect/connection.ts'
import { unpainted } from '../terminal/paint.ts'
import { infoText, masked } from './info.ts'

const address: Address = {
  nats_url: 'nats://127.0.0.1:4222,nats://deed:secret-6@127.0.0.1:4223',
  nats_user: 'deed',
  nats_password: 'secret-1',
  nats_server_name: 'deed-1',
  database_url: 'postgres://deed:secret-2@127.0.0.1:5432/postgres?sslpassword=secret-3',
  nats_system_login: { user: 'system', pass: 'secret-7' },
  users: { client: 'secret-4', approver: 'secret-5' },
  source: '/data/mesh.json',
}

describe('how to connect', () => {
  it('has no password in it unless it is asked for', () => {
    const hidden = masked(address)
    expect(infoText(hidden, unpainted, false)).not.toContain('secret-')
    expect(JSON.stringify(hidden)).not.toContain('secret-')
    const shown = infoText(address, unpainted, true)
    for (const secret of [1, 2, 3, 4, 5]) expect(shown).toContain(`secret-${secret}`)
  })

  it('shows a line that a client outside can use, as the user with the fewest rights', () => {
    expect(infoText(address, unpainted, true)).toContain(
      "nats --server nats://127.0.0.1:4222,nats://deed:secret-6@127.0.0.1:4223 --user client --password 'secret-4' req execution.request",
    )
  })
})
