/** The reference of subjects, made from the contracts and from the table of permissions. */
import { type Contract, type Owner, SERVICES } from '@deed/proto/contract'
import { CONTRACTS } from '@deed/proto/contracts'
import { ROLE_VERBS } from '@deed/proto/permissions'
import { fieldsOf } from './fields.ts'
import { code, table } from './table.ts'

const INTRODUCTION = `# Subjects

Each request exists as \`<subject>\`, for the principal \`local.user\`, and as \`<subject>.<tenant>.<user>\`. NATS decides who may
publish to which subject; a body or header never says who somebody is. [nats.md](nats.md) shows how to connect, ask and follow.

Each service is a NATS micro service: \`nats micro ls\` finds it, and \`nats micro info\` shows the complete schemas.
\`npm run asyncapi\` makes an AsyncAPI 3.0 document of them. A refusal has \`Nats-Service-Error-Code\` in its headers and
\`{code, message, path?, retryable}\` as its body.

In the tables, a field with \`?\` may be left out. "Waits" is how long a caller waits that names no deadline. "Repeat" says
whether a request may be sent again without changing anything. "Who" is the role of callers from outside that may send it;
empty means that only services may.

## Submitting durably

\`execution.submit\` takes the same body as \`execution.request\`. No service answers it: JetStream stores the message, and its
acknowledgement is the promise. [nats.md](nats.md#submit) has the details.`

const OWNERS: readonly Owner[] = [...SERVICES, 'provider']

export function subjectsPage(): string {
  const parts = OWNERS.flatMap((owner) => {
    const own = CONTRACTS.filter((contract) => contract.owner === owner)
    return own.length === 0
      ? []
      : [`## ${owner === 'provider' ? 'Programs that provide a kind' : owner}`, ...tables(own)]
  })
  return `${[INTRODUCTION, ...parts].join('\n\n')}\n`
}

function tables(contracts: readonly Contract[]): string[] {
  const requests = contracts.filter((contract) => contract.type === 'request')
  const others = contracts.filter((contract) => contract.type !== 'request')
  const asked = table(
    ['request', 'for', 'body', 'who', 'waits', 'repeat'],
    requests.map(({ subject, summary, input, timeoutMs, idempotent }) => [
      code(subject),
      summary,
      code(fieldsOf(input)),
      rolesOf(subject),
      `${timeoutMs / 1_000} s`,
      idempotent ? 'yes' : 'no',
    ]),
  )
  const published = table(
    ['published', 'for', 'body'],
    others.map((contract) => [code(addressOf(contract)), contract.summary, code(fieldsOf(contract.payload))]),
  )
  return [...(requests.length > 0 ? [asked] : []), ...(others.length > 0 ? [published] : [])]
}

function addressOf({ type, subject }: Contract): string {
  return type === 'work' ? `${subject}.<tenant>` : subject.replace('.*.*', '.<tenant>.<id>')
}

/** Callers that may approve may also ask for all that others may. */
function rolesOf(subject: string): string {
  const [client, approver] = [ROLE_VERBS.client, ROLE_VERBS.approver].map((verbs) => verbs.includes(subject))
  return client ? 'client, approver' : approver ? 'approver' : ''
}
