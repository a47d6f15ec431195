/** deed grant and deed revoke: agree ahead to actions of one kind, within bounds, until a time. */
import { ActionKind } from '@deed/proto/action'
import { deleteGrant, type Grant, putGrant } from '@deed/proto/grant'
import { GrantId, PrincipalName } from '@deed/proto/ids'
import type { Command } from 'commander'
import type { z } from 'zod'
import { by, collectPairs, levelToTwo, momentAhead } from '../options.ts'
import { shellOf, withMesh } from '../shell.ts'
import { plainLine } from '../show/plain-text.ts'

interface Options {
  target?: string
  workspace?: string
  path?: string
  input?: Record<string, never>
  user?: string
  level: 1 | 2
  until?: string
  reason?: string
}

export function addGrant(program: Command): void {
  program
    .command('grant')
    .argument('<kind>', 'of the actions, as `deed kinds` lists them', by(ActionKind))
    .description('agree ahead to actions of one kind, within bounds, until a time')
    .option('--target <name>', 'that name this target')
    .option('--path <path>', 'whose paths are this one or lie below it')
    .option('--workspace <name>', 'where the path starts; default: the default workspace')
    .option('--input <name=value>', 'that have just this argument; may be given several times', collectPairs)
    .option('--user <name>', 'of requests of this user', by(PrincipalName))
    .option('--level <level>', 'up to level 1 or 2; level 3 is always asked for', levelToTwo, 1)
    .option('--until <time>', '2026-11-21T08:00Z, or from now: 30m, 2h, 7d (default: 1h)', momentAhead)
    .option('--reason <text>', 'kept with every use of it')
    .addHelpText(
      'after',
      `
Examples:
  deed grant service.restart --target demo-api --until 2h
  deed grant file.write --path reports --until 7d --user ada
  deed grant command.run --input 'argv=["npm","test"]' --level 2 --until 30m
  deed get grants`,
    )
    .action(async (kind: string, { until = momentAhead('1h'), ...options }: Options, command: Command) => {
      const shell = shellOf(command)
      const input: z.input<typeof putGrant.input> = { kind, expires_at: until, ...options }
      const grant = await withMesh(shell, (bus) => bus.call(putGrant, input))
      shell.out.document(grant)
      shell.out.print(`${grant.grant_id}  ${grantText(grant)}`)
    })
}

export function addRevoke(program: Command): void {
  program
    .command('revoke')
    .argument('<grant>', 'its id', by(GrantId))
    .description('take a standing permission back, at once')
    .addHelpText('after', '\nExample:\n  deed revoke 01997d0e-...')
    .action(async (id: GrantId, _options: object, command: Command) => {
      const shell = shellOf(command)
      const grant = await withMesh(shell, (bus) => bus.call(deleteGrant, { grant_id: id }))
      shell.out.document(grant)
      shell.out.print(`${grant.grant_id}  revoked ${grant.revoked_at}, after ${grant.uses} uses`)
    })
}

/** What it is for, in a line. */
export function grantText({ kind, target, workspace, path, input, user, level, expires_at: until }: Grant): string {
  const place = path === null ? [] : [`in ${workspace === null ? '' : `${workspace}: `}${path}`]
  const facts = [
    kind,
    ...(target === null ? [] : [`on ${target}`]),
    ...place,
    ...(input === null ? [] : [`with ${JSON.stringify(input)}`]),
    ...(user === null ? [] : [`for ${user}`]),
    `up to level ${level}, until ${until}`,
  ]
  return plainLine(facts.join(' '))
}
