/** What the organization has on an ordinary day: open decisions, one for a person, money that one gave, and what others changed. */
import type { Bus } from '@deed/mesh/bus'
import { until } from '@deed/process/until'
import { decideApproval, listApprovals } from '@deed/proto/approval'
import * as decision from '@deed/proto/decision'
import type { ApprovalId } from '@deed/proto/ids'
import type { OrganizationRole } from '@deed/proto/organization'
import { remember, sendMessage } from '@deed/proto/organization-notes'
import { addBacklogItem } from '@deed/proto/organization-work'

/** As a program may write it. */
export const HOSTILE = '<img src=x onerror=alert(1)> \u202egnp.\u202c <script>alert(1)</script>'

const as = (user: OrganizationRole) => ({ principal: { tenant: 'local', user } })
const PERSON = { principal: { tenant: 'local', user: 'approver' } }

/** Proposes as a role of the tenant `local`. */
export function proposer(client: Bus) {
  return (
    role: OrganizationRole,
    type: decision.DecisionType,
    subject: decision.DecisionSubject,
    more: Pick<Parameters<typeof client.call<typeof decision.proposeDecision>>[1], 'facts'> & {
      rationale?: string
    } = {},
  ) => client.call(decision.proposeDecision, { type, subject, rationale: HOSTILE, ...more }, as(role))
}

export const voter =
  (client: Bus) =>
  (role: OrganizationRole, id: decision.DecisionId, vote: decision.Choice): Promise<decision.Decision> =>
    client.call(
      decision.castVote,
      { decision_id: id, vote, confidence: 0.8, rationale: HOSTILE, evidence: ['a fact'] },
      as(role),
    )

/** @returns the ids of the decision that waits for votes, and of the one that waits for a person, with its execution */
export async function organizationDay(client: Bus) {
  const [propose, vote] = [proposer(client), voter(client)]
  const at = new Date().toISOString()
  const fact = (name: string) => ({ facts: [{ name, value: true, source: 'a test', as_of: at }] })
  await propose('test_lead', 'release', { name: '1.4.0' }, fact('gates_passed'))
  await propose('cto', 'deployment', { name: '1.4.0', environments: ['staging'] }, fact('no_open_incidents'))
  const rule = await propose('cto', 'standard', { name: 'No secrets in logs', text: HOSTILE })
  for (const role of ['senior_architect', 'senior_developer', 'test_lead'] as const)
    await vote(role, rule.decision_id, 'approve')
  const open = await propose('cto', 'technology', { name: 'Queues', text: 'NATS for queues' })
  await vote('senior_architect', open.decision_id, 'approve')
  const asked = await propose('ceo', 'allocation', { name: 'Faster tests', department: 'test_lead', amount: 250 })
  const read = ({ decision_id }: Pick<decision.Decision, 'decision_id'>) =>
    client.call(decision.getDecision, { decision_id })
  /** The task of the person who decides. */
  const taskFor = async (proposed: Pick<decision.Decision, 'decision_id'>): Promise<ApprovalId> => {
    let found: ApprovalId | undefined
    const waitsForPerson = async (): Promise<boolean> => {
      const { execution_id } = await read(proposed)
      if (execution_id === null) return false
      const { tasks } = await client.call(listApprovals, { execution_id, kind: 'provide', status: 'pending' }, PERSON)
      found = tasks[0]?.approval_id
      return found !== undefined
    }
    await until(waitsForPerson, { what: 'a person to be asked' })
    return found as ApprovalId
  }
  const item = { kind: 'feature' as const, name: 'Dark pages', text: HOSTILE, criteria: [{ text: 'they are dark' }] }
  await client.call(addBacklogItem, item, as('product_manager'))
  const message = { to: 'leadership', type: 'request', subject: 'Numbers of the week', content: HOSTILE } as const
  const { thread_id } = await client.call(sendMessage, message, as('ceo'))
  const response = { ...message, to: 'ceo', type: 'response', thread_id } as const
  await client.call(sendMessage, response, as('cto'))
  await client.call(remember, { key: 'queue-choice', content: HOSTILE, tags: ['queues'] }, as('cto'))
  await taskFor(asked)
  const given = await propose('ceo', 'allocation', { name: 'Models', department: 'senior_developer', amount: 40 })
  const answer = { approval_id: await taskFor(given), decision: 'provide', result: { text: 'yes' } } as const
  await client.call(decideApproval, answer, PERSON)
  await until(async () => (await read(given)).status === 'approved', { what: 'money for a department' })
  return { open: open.decision_id, asked: asked.decision_id, thread: thread_id }
}

/** The views of the page, and what is chosen in them. */
export const organizationPaths = ({ open, asked, thread }: Awaited<ReturnType<typeof organizationDay>>): string[] => [
  `/organization?decision=${open}`,
  `/organization?status=all&decision=${asked}`,
  '/organization?view=roles&role=cto',
  `/organization?view=messages&thread=${thread}`,
  '/organization?view=memories&memory=cto%2Fqueue-choice',
  '/organization?view=money',
  '/organization?view=changes',
]
