/** The understanding of the built-in rule packs, in the world of the sentences. */
import { join } from 'node:path'
import type { ExecutionConfig } from '@deed/config/execution-config'
import { type RulePack, readRulePacks } from '@deed/hybrid-agent/rules/rule-pack'
import { readRunbooks } from '@deed/hybrid-agent/rules/runbooks'
import { vocabularyOf } from '@deed/hybrid-agent/rules/vocabulary'
import { understanding } from '@deed/hybrid-agent/understanding/understand'
import { readWorld } from './sentences.ts'
import type { Understand } from './understand-task.ts'

export const readBuiltInPacks = (): RulePack[] =>
  readRulePacks([join(import.meta.dirname, '../../services/hybrid-agent/rules')])

export function openUnderstanding(world: ExecutionConfig = readWorld()): Understand {
  return understanding(readBuiltInPacks(), vocabularyOf(world), readRunbooks(world))
}
