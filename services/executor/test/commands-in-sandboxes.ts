/** Commands in each sandbox that this host has. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JsonObject } from '@deed/proto/json'
import { afterAll, describe } from 'vitest'
import { chooseSandbox } from '../src/sandbox/choose-sandbox.ts'
import type { Sandbox } from '../src/sandbox/sandbox.ts'
import { unconfined } from '../src/sandbox/unconfined.ts'

/** For one test file: what the sandboxes keep is removed after its tests. */
export async function sandboxesHere() {
  const dataFolder = mkdtempSync(join(tmpdir(), 'deed-sandbox-'))
  afterAll(() => rmSync(dataFolder, { recursive: true }))
  const { sandbox: strongest } = await chooseSandbox({ mode: 'auto', dataFolder, protectedFiles: [] })
  /** The allow-list, and every layer in which a command may do in its workspace what it likes. */
  const sandboxes: { name: string; sandbox: Sandbox | undefined }[] = await Promise.all([
    { name: 'allow-list', sandbox: unconfined('allow-list') },
    ...(['bwrap', 'unshare'] as const).map(async (mode) => {
      try {
        const { sandbox } = await chooseSandbox({ mode, dataFolder, protectedFiles: [] })
        return { name: sandbox.name, sandbox }
      } catch {
        return { name: `${mode} (SKIPPED: ${mode} does not hold on this host)`, sandbox: undefined }
      }
    }),
  ])
  return {
    strongest,
    /** The tests once for each layer; one that this host has not is skipped, with the reason in its title. */
    inEachSandbox(title: string, tests: (sandbox: Sandbox) => void): void {
      for (const { name, sandbox } of sandboxes)
        describe.skipIf(!sandbox)(`in the sandbox ${name}, ${title}`, () => tests(sandbox ?? unconfined('none')))
    },
  }
}

export const ALLOW = 'commands: { allow: [node, echo, yes, sleep, env, "true", "false", setsid, touch, printf] }'
export const run = (argv: string[], more: object = {}, input: object = {}) => ({
  kind: 'command.run',
  input: { argv, ...input } as JsonObject,
  ...more,
})
export const node = (script: string) => run(['node', '-e', script])
