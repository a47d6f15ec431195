import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { bwrapCommand, detectSandbox, findProgram } from './sandbox.ts'

describe('the sandbox', () => {
  it('binds the workspace alone, and what is protected in it read-only', () => {
    const workspace = mkdtempSync(join(tmpdir(), 'deed-sandbox-'))
    mkdirSync(join(workspace, '.git'))
    const command = bwrapCommand('/usr/bin/bwrap', {
      argv: ['true', '--bind'],
      workspace,
      cwd: workspace,
      env: { TZ: 'UTC' },
    })
    const own = command.slice(0, command.indexOf('--'))
    expect(own.join(' ')).toContain(`--bind ${workspace} ${workspace} --ro-bind ${workspace}/.git ${workspace}/.git`)
    expect(own.filter((argument) => argument === '--bind')).toHaveLength(1)
    expect(own).toContain('--unshare-all')
    expect(own).toContain('--clearenv')
    expect(command.slice(command.indexOf('--'))).toEqual(['--', 'true', '--bind'])
    rmSync(workspace, { recursive: true })
  })

  it('is never claimed where there is no bubblewrap', async () => {
    const { name, wrap } = await detectSandbox()
    if (findProgram('bwrap') === undefined) expect(name).toBe('allow-list')
    const wrapped = wrap({ argv: ['/usr/bin/true'], workspace: '/tmp', cwd: '/tmp', env: {} })
    expect(wrapped[0] === '/usr/bin/true').toBe(name === 'allow-list')
  })
})
