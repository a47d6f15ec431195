/** deed credentials: NATS identities for services that are deployed apart. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import {
  ACCOUNTS_FILE,
  type Change,
  createCredentials,
  credentialManifests,
  retireCredentials,
  rotateCredentials,
} from '@deed/local/credentials'
import { createDatabaseUrls, databaseManifests } from '@deed/local/database-urls'
import type { Command } from 'commander'
import { stringify } from 'yaml'
import { type Shell, shellOf } from '../connect/shell.ts'
import { collect } from '../terminal/options.ts'
import { callerFrom } from './info.ts'

/** Below the folder. */
const DATABASE = 'database'

export function addCredentials(program: Command): void {
  const credentials = program
    .command('credentials')
    .summary('NATS identities for services that are deployed apart')
    .description(
      `NATS identities for services that are deployed apart.\nA folder holds an nkey for each service, job and caller (<user>.nk), and ${ACCOUNTS_FILE},\nwhich the nats-server includes: public keys and permissions, no secret.`,
    )
    .addHelpText(
      'after',
      '\nExamples:\n  deed credentials create keys --caller ann=client:acme.ann\n  deed credentials rotate keys executor\n  deed credentials retire keys executor\n  deed credentials secrets keys | kubectl apply -f -',
    )
  credentials
    .command('create <folder>')
    .description('Makes the keys that are missing, and the accounts; keys that are there stay.')
    .option('--caller <name=role:tenant.user>', 'one more caller; may be repeated', collect)
    .option('--database <url>', `also URLs with a password for each service, in ${DATABASE}/, for deed prepare`)
    .addHelpText(
      'after',
      '\nExamples:\n  deed credentials create keys --caller ann=client:acme.ann\n  deed credentials create keys --database postgres://db:5432/deed',
    )
    .action((folder: string, { caller = [], database }: CreateOptions, command: Command) => {
      const change = createCredentials(folder, caller.map(callerFrom))
      const urls = database === undefined ? [] : createDatabaseUrls(join(folder, DATABASE), database)
      tell(shellOf(command), folder, change, urls)
    })
  credentials
    .command('rotate <folder> [user...]')
    .description('Gives users, or all, a new key. The server lets the old one in too, until it is retired.')
    .addHelpText('after', '\nExample:\n  deed credentials rotate keys executor')
    .action((folder: string, users: string[], _: object, command: Command) =>
      tell(shellOf(command), folder, rotateCredentials(folder, users)),
    )
  credentials
    .command('retire <folder> [user...]')
    .description('Removes the old keys of users, or all, once their processes use the new ones.')
    .addHelpText('after', '\nExample:\n  deed credentials retire keys executor')
    .action((folder: string, users: string[], _: object, command: Command) =>
      tell(shellOf(command), folder, retireCredentials(folder, users)),
    )
  credentials
    .command('secrets <folder>')
    .description('Prints Kubernetes manifests: a Secret for each user, and a ConfigMap with the accounts.')
    .option('--prefix <text>', 'before the names', 'deed-nats-')
    .option('--database-prefix <text>', 'before the names of those with URLs', 'deed-database-')
    .addHelpText('after', '\nExample:\n  deed credentials secrets keys | kubectl apply -n deed -f -')
    .action(
      (folder: string, { prefix, databasePrefix }: Record<'prefix' | 'databasePrefix', string>, command: Command) => {
        const { out } = shellOf(command)
        const urls = join(folder, DATABASE)
        const manifests = [
          ...credentialManifests(folder, prefix),
          ...(existsSync(urls) ? databaseManifests(urls, databasePrefix) : []),
        ]
        out.document({ manifests })
        out.print(manifests.map((manifest) => `---\n${stringify(manifest)}`).join(''))
      },
    )
}

interface CreateOptions {
  caller?: string[]
  database?: string
}

function tell({ out }: Shell, folder: string, change: Change, urls: readonly string[] = []): void {
  out.document({ folder, accounts_file: ACCOUNTS_FILE, ...change, database_urls: urls })
  if (urls.length > 0) out.print(`wrote ${urls.length} database URLs to ${join(folder, DATABASE)}`)
  const { created, rotated, retired } = change
  const lines = [
    ...(created.length > 0 ? [`made a key for ${created.join(', ')}`] : []),
    ...(rotated.length > 0 ? [`made a new key for ${rotated.join(', ')}; the old one is let in too`] : []),
    ...(retired.length > 0 ? [`removed the old key of ${retired.join(', ')}`] : []),
  ]
  if (lines.length === 0) return urls.length > 0 ? undefined : out.print('Nothing has changed.')
  out.print(
    [...lines, `Reload nats-server, which includes ${folder}/${ACCOUNTS_FILE}: nats-server --signal reload`].join('\n'),
  )
}
