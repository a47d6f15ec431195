/** Understands a task with what its tenant has taught. */
import type { AgentReply, AgentTask } from '@deed/proto/agent'
import type { Understand } from '../understanding/understand.ts'
import { type Grounds, recall } from './recall.ts'
import type { Sentences } from './tenant-sentences.ts'

export interface Understood {
  readonly reply: AgentReply
  /** The learned sentence that the reply comes from. */
  readonly learnedId: string | undefined
}

/** The database is asked only where no pattern decides, and what is known of the tenant may be old. */
export async function understandFor(
  sentences: Sentences,
  rules: Grounds & { readonly understand: Understand },
  tenant: string,
  { task, explain = false }: { task: AgentTask; explain?: boolean },
): Promise<Understood> {
  let known = sentences.known(tenant)
  let learnedId: string | undefined
  const understand = () =>
    rules.understand(task, {
      explain,
      learned: (sentence, mayChange) => {
        const recalled = known && recall(known, { sentence, mayChange }, task, rules)
        learnedId = recalled?.learned.id
        return recalled?.reply
      },
    })
  let reply = understand()
  const exact = reply.outcome === 'refused' || (reply.outcome === 'handled' && reply.solution.reading === undefined)
  if (!known && !exact) {
    known = await sentences.load(tenant)
    if (known.size > 0) reply = understand()
  }
  return { reply, learnedId }
}
