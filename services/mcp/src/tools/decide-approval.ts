/**
 * Asking the person at the client to approve or deny a plan. The client's model takes no part in that: it gives the id of
 * the approval, and the person answers a form, or decides in the console.
 */
import { type ApprovalView, decideApproval as contract, listApprovals, TYPED_FROM_LEVEL } from '@deed/proto/approval'
import { DeedError } from '@deed/proto/errors'
import { exposedLine } from '@deed/text/exposed-text'
import { acceptedContent, inputRequired, inputResponse } from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type Call, tool } from '../serving/tool.ts'
import { Id } from './execution-view.ts'
import { stepLines } from './waiting-tools.ts'

const FORM = 'decision'
const PAGE = 'console'
const HASH_CHARS_SHOWN = 12

const Decision = z.object({ decision: z.enum(['approve', 'deny']).describe('What is shown here runs, or does not.') })
const Sealed = z.object({ approval_id: z.string(), plan_hash: z.string() })

export const decideApproval = tool({
  name: 'decide_approval',
  title: 'Ask the person to decide',
  description:
    'Shows the person a plan of level 0 or 1 in a form, who approves or denies it; a higher level opens in the console. Never decides by itself.',
  input: z.strictObject({ approval_id: Id }),
  output: z.strictObject({ approval_id: z.string(), execution_id: z.string(), status: z.string(), next: z.string() }),
  annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
  async run({ approval_id: id }, call) {
    const { agent, person, mesh, context, shows } = call
    if (person === undefined || (person.tenant === agent.tenant && person.user === agent.user))
      throw new DeedError(
        'self_approval',
        'nobody but the agent itself is known at this connection, and it does not approve',
      )
    if (person.tenant !== agent.tenant) throw new DeedError('forbidden', 'the person belongs to another tenant')
    const approval = await pending(call, id)
    const answer = { approval_id: id, execution_id: approval.execution_id }
    if (approval.level >= TYPED_FROM_LEVEL) return askInConsole(call, approval)
    if (!shows.form) throw new DeedError('forbidden', 'this client shows no forms, so nobody can be asked here')
    const { data: sealed } = Sealed.safeParse(context.mcpReq.requestState())
    const given = inputResponse(context.mcpReq.inputResponses, FORM)
    if (sealed?.approval_id !== id || given.kind !== 'elicit')
      return inputRequired({
        inputRequests: { [FORM]: inputRequired.elicit({ message: formText(approval), requestedSchema: Decision }) },
        requestState: await call.seal({ approval_id: id, plan_hash: approval.plan_hash }),
      })
    const accepted = acceptedContent(context.mcpReq.inputResponses, FORM, Decision)
    if (accepted === undefined)
      return { ...answer, status: approval.status, next: 'The person has not decided; it still waits.' }
    const { decision } = accepted
    const bus = await mesh.bus()
    const { status } = await bus.call(
      contract,
      // Of the plan that was shown: of another one it is refused.
      { approval_id: id, decision, plan_hash: sealed.plan_hash, confirmation: { channel: 'mcp', factor: 'answer' } },
      { principal: person },
    )
    return { ...answer, status, next: 'wait_execution waits for its end.' }
  },
})

/** @throws {DeedError} `not_found` */
async function pending({ mesh, agent, context }: Call, id: string): Promise<ApprovalView> {
  const bus = await mesh.bus()
  const options = { principal: agent, signal: context.mcpReq.signal }
  const { approvals, tasks } = await bus.call(listApprovals, { approval_id: id }, options)
  const [approval] = approvals
  if (tasks.length > 0)
    throw new DeedError(
      'forbidden',
      'this is a question or a task for a person, who answers it in the console or the terminal',
    )
  if (approval === undefined) throw new DeedError('not_found', 'there is no such approval')
  if (approval.status !== 'pending')
    throw new DeedError('approval_already_used', `it waits no longer: ${approval.status}`, {
      executionId: approval.execution_id,
    })
  return approval
}

/** From this level on a person confirms by the plan's hash, which a form of a client does not do. */
async function askInConsole({ mesh, shows, context, seal }: Call, approval: ApprovalView) {
  const { approval_id, execution_id, level, plan_hash, status } = approval
  const url = mesh.consoleUrl()
  if (!shows.url || url === undefined)
    throw new DeedError('forbidden', `a person approves level ${level} in the console or the terminal, not here`, {
      executionId: execution_id,
    })
  if (inputResponse(context.mcpReq.inputResponses, PAGE).kind === 'elicit')
    return {
      approval_id,
      execution_id,
      status,
      next: 'The person decides in the console: wait_execution waits for that.',
    }
  return inputRequired({
    inputRequests: {
      [PAGE]: inputRequired.elicitUrl({ message: formText(approval), url: `${url}/inbox/${approval_id}` }),
    },
    requestState: await seal({ approval_id, plan_hash }),
  })
}

const formText = (approval: ApprovalView): string =>
  [
    `Approve level ${approval.level}, requested by ${approval.requested_by}?`,
    `Task: ${exposedLine(approval.task).slice(0, 500)}`,
    ...stepLines(approval).map((line) => `- ${line}`),
    `Plan ${approval.plan_hash.slice(0, HASH_CHARS_SHOWN)}`,
  ].join('\n')
