/** deed grant and deed revoke: agree ahead to actions of one kind, within bounds, until a time. */
import { counted } from '@deed/config/counted'
import { ActionKind } from '@deed/proto/action'
import { deleteGrant, type Grant, putGrant } from '@deed/proto/grant'
import { type GrantId, PrincipalName } from '@deed/proto/ids'
import type { Command } from 'commander'
import type { z } from 'zod'
import { shellOf, withMesh } from '../connect/shell.ts'
import { moment } from '../terminal/amounts.ts'
import { idText, wholeId } from '../terminal/find-id.ts'
import { by, collectPairs, levelToTwo, momentAhead } from '../terminal/options.ts'
import { plainLine } from '../terminal/plain-text.ts'
import { shownId } from '../terminal/terminal.ts'

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
    .argument('<kind>', 'of the actions, as deed kinds lists them', by(ActionKind))
    .summary('approve actions of one kind ahead, within bounds')
    .description('Approve actions of one kind ahead, within bounds, until a time.')
    .option('--target <name>', 'that name this target')
    .option('--path <path>', 'whose paths are this one or lie below it')
    .option('--workspace <name>', 'where the path starts (default: the default workspace)')
    .option('--input <name=value>', 'that have this argument; may be repeated', collectPairs)
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
      shell.out.print(`${shownId(grant.grant_id)}  ${grantText(grant)}`)
    })
}

export function addRevoke(program: Command): void {
  program
    .command('revoke')
    .argument('<grant>', 'its id, or the end of it', idText)
    .description('take a grant back, at once')
    .addHelpText('after', '\nExamples:\n  deed get grants\n  deed revoke 5f6a7b8c')
    .action(async (text: string, _options: object, command: Command) => {
      const shell = shellOf(command)
      const grant = await withMesh(shell, async (bus) =>
        bus.call(deleteGrant, { grant_id: await wholeId<GrantId>(bus, ['grant'], text) }),
      )
      shell.out.document(grant)
      shell.out.print(
        `${shownId(grant.grant_id)}  revoked ${moment(grant.revoked_at ?? '')}, after ${counted(grant.uses, 'use')}`,
      )
    })
}

const grantText = (grant: Grant): string => `${grantScope(grant)}, until ${moment(grant.expires_at)}`

/** What it is for, in a line. */
export function grantScope({ kind, target, workspace, path, input, user, level }: Grant): string {
  const place = path === null ? [] : [`in ${workspace === null ? '' : `${workspace}: `}${path}`]
  const facts = [
    kind,
    ...(target === null ? [] : [`on ${target}`]),
    ...place,
    ...(input === null ? [] : [`with ${JSON.stringify(input)}`]),
    ...(user === null ? [] : [`for ${user}`]),
    `up to level ${level}`,
  ]
  return plainLine(facts.join(' '))
}
