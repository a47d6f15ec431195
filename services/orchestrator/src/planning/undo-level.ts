/** The approval level of a rollback: by what each step does, and by whose work it reverses. */
import type { EffectClass } from '@deed/proto/action'
import { isAct, type TaskRow } from '../execution/snapshot.ts'
import { effectOf, type Level, levelOf, type Policy } from '../policy/policy.ts'

/** The effect of an undo: creating is reversed by removing, and removing by creating. */
const WAY_BACK: Record<EffectClass, EffectClass> = {
  read: 'read',
  create: 'delete',
  change: 'change',
  delete: 'create',
  run: 'run',
}
/** One's own work up to this level is undone without further approval. */
const OWN_LEVEL_MAX = 1

/**
 * @param by the requester of the rollback
 * @param owner the requester of the execution
 */
export function undoLevel(policy: Policy, task: TaskRow, by: string, owner: string): { level: Level; why: string } {
  const done = task.level as Level
  if (by === owner && done <= OWN_LEVEL_MAX) return { level: 0, why: `own work of level ${done}` }
  const back = wayBack(policy, task)
  const higher = back.level > done ? back : { level: done, why: `undoes what needed level ${done}` }
  if (by === owner) return higher
  return { level: Math.max(1, higher.level) as Level, why: `${higher.why}; ${owner} requested the execution` }
}

function wayBack(policy: Policy, task: TaskRow): { level: Level; why: string } {
  if (!isAct(task)) return { level: 0, why: 'changes nothing' }
  const { kind, input, expect_before: met, untrusted_sources: sources } = task.spec
  const made = met !== undefined && policy.kinds[kind]?.creates === met
  const effect = made ? 'create' : effectOf(policy, kind, input)
  return levelOf(policy, {
    kind,
    effect: effect && WAY_BACK[effect],
    reversibility: undefined,
    environment: undefined,
    sandbox: undefined,
    untrusted: sources !== undefined,
  })
}
