// What `deed info --nats-config` prints, read by a real nats-server.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { installedBinary, NATS_USERS } from '@deed/local/nats'
import { temporaryFolder } from '@deed/local/temporary-folder'
import { describe, expect, it } from 'vitest'
import { callerFrom, natsConfiguration } from './info.ts'

describe('the accounts for a nats-server of one`s own', () => {
  it('are a configuration that nats-server takes, with another caller, and holds no password', async () => {
    using folder = temporaryFolder()
    const file = join(folder.path, 'accounts.conf')
    const text = natsConfiguration([callerFrom('ann=client:acme.ann')])
    writeFileSync(file, text)
    const passwords = [...NATS_USERS, 'ann'].map((user) => [
      `NATS_PASSWORD_${user.toUpperCase().replaceAll('-', '_')}`,
      'from-the-environment',
    ])
    const env = Object.fromEntries(passwords)
    const { stderr } = await promisify(execFile)(installedBinary(), ['-t', '--config', file], { env })
    expect(stderr).toContain('is valid')
    expect(text).toContain('"execution.request.acme.ann", accounts: ["ann"]')
    await expect(promisify(execFile)(installedBinary(), ['-t', '--config', file], { env: {} })).rejects.toThrow(
      'NATS_PASSWORD_',
    )
  })

  it.each(['ann', 'ann=client:acme', 'ann=operator:acme.ann', 'executor=client:acme.ann', 'ann=client:mesh.executor'])(
    'are refused for the caller %s',
    (text) => {
      expect(() => callerFrom(text)).toThrow('--caller takes')
    },
  )
})
