/** Formats proto's table of accounts as nats-server configuration. */
import { type Account, type Export, type Import, MESH_ACCOUNT } from '@deed/proto/accounts'
import type { Permissions } from '@deed/proto/permissions'

/** Longer than any request waits; the server's default of two minutes would drop later answers. */
const ANSWER_WITHIN = '24h'
/** For requests that every instance of a service answers. */
const ANSWERS_WITHIN = '30s'

/** @param loginsOf how a user may log in, each as configuration text: `passwordLogin`, or an nkey */
export function accountsConfiguration(accounts: readonly Account[], loginsOf: (user: string) => string[]): string {
  return block('accounts', accounts.map((account) => accountText(account, loginsOf)).join('\n'))
}

/** @param password as configuration text: quoted, or a variable of the server's environment */
export const passwordLogin = (user: string, password: string): string => `user: ${quoted(user)}, password: ${password}`

function accountText({ name, jetstream, users, ...account }: Account, loginsOf: (user: string) => string[]): string {
  return block(
    name,
    [
      ...(jetstream ? ['jetstream: enabled'] : []),
      ...list(
        'users',
        users.flatMap(({ name: user, permissions }) =>
          loginsOf(user).map((login) => `{ ${login}, permissions: ${permissionsText(permissions)} }`),
        ),
      ),
      ...list('exports', account.exports.map(exportText)),
      ...list('imports', account.imports.map(importText)),
    ].join('\n'),
  )
}

function permissionsText({ publish, subscribe }: Permissions): string {
  const allowed = (subjects: readonly string[]) =>
    subjects.length > 0 ? `{ allow: ${JSON.stringify(subjects)} }` : '{ deny: ">" }'
  return `{ publish: ${allowed(publish)}, subscribe: ${allowed(subscribe)}, allow_responses: { max: 1, expires: "10m" } }`
}

function exportText({ type, subject, accounts, manyAnswers }: Export): string {
  const answers = manyAnswers
    ? `response: stream, response_threshold: ${quoted(ANSWERS_WITHIN)}`
    : `response_threshold: ${quoted(ANSWER_WITHIN)}`
  return `{ ${type}: ${quoted(subject)}, accounts: ${JSON.stringify(accounts)}${type === 'service' ? `, ${answers}` : ''} }`
}

function importText({ type, subject, as }: Import): string {
  const source = `{ account: ${MESH_ACCOUNT}, subject: ${quoted(subject)} }`
  return `{ ${type}: ${source}${as === subject ? '' : `, to: ${quoted(as)}`} }`
}

const quoted = (text: string): string => JSON.stringify(text)

const list = (name: string, items: readonly string[]): string[] =>
  items.length === 0 ? [] : [`${name}: [\n${indented(items.join('\n'))}\n]`]

const block = (name: string, text: string): string => `${name} {\n${indented(text)}\n}`

const indented = (text: string): string => text.replaceAll(/^/gm, '  ')
