/**
 * The rules in force: the built-in packs, and those of the folder `RULES_DIR`. A change in the folder is read as a
 * whole: if each pack is valid and passes its tests, the new packs replace the old ones at once; else the old ones
 * stay, and the faults are reported.
 */
import { fileURLToPath } from 'node:url'
import { hashJson } from '@deed/json/canonical-json'
import { every } from '@deed/process/every'
import type { PackFault } from '@deed/proto/rules'
import type { Log } from '@deed/telemetry/logger'
import { checkRulePack } from '../rules/check-rule-pack.ts'
import { RulePackError } from '../rules/pack-fault.ts'
import { type CompiledRule, type PackFile, packFiles, parseRulePacks, type RulePack } from '../rules/rule-pack.ts'
import type { Runbooks } from '../rules/runbooks.ts'
import { type Vocabulary, vocabularyOf, type World } from '../rules/vocabulary.ts'
import { type Understand, understanding } from '../understanding/understand.ts'

/** The folder of the packs that every mesh has. */
export const BUILT_IN = fileURLToPath(new URL('../../rules', import.meta.url))
/** Between two readings of the folder, in milliseconds. A change is used once two readings agree on it. */
const READ_MS = 1_000

/** One consistent set of rules. */
export interface RuleSet {
  readonly packs: readonly RulePack[]
  /** The names of the packs in RULES_DIR. */
  readonly own: ReadonlySet<string>
  readonly rules: ReadonlyMap<string, CompiledRule>
  readonly vocabulary: Vocabulary
  readonly understand: Understand
}

export interface RulesInForce extends AsyncDisposable {
  readonly current: RuleSet
  /** Of the files in RULES_DIR, which are not in force. */
  readonly faults: readonly PackFault[]
  /** The files of RULES_DIR, as they are now. @throws {RulePackError} if the folder cannot be read */
  ownFiles(): PackFile[]
}

interface Options {
  /** RULES_DIR */
  readonly folder: string | undefined
  readonly world: World
  readonly runbooks: Runbooks
  readonly log: Log
}

/** @throws {RulePackError} if a pack is invalid or fails its tests */
export function openRules({ folder, world, runbooks, log }: Options): RulesInForce {
  const vocabulary = vocabularyOf(world)
  const builtIn = packFiles(BUILT_IN)
  const ownFiles = (): PackFile[] => (folder === undefined ? [] : packFiles(folder))
  const load = (files: readonly PackFile[]): RuleSet => {
    const packs = parseRulePacks([...builtIn, ...files])
    const faults = packs.flatMap((pack) => checkRulePack(pack))
    if (faults.length > 0) throw new RulePackError(faults)
    const own = new Set(packs.slice(builtIn.length).map(({ name }) => name))
    const rules = new Map(packs.flatMap((pack) => pack.rules.map((rule) => [rule.id, rule] as const)))
    return { packs, own, rules, vocabulary, understand: understanding(packs, vocabulary, runbooks) }
  }

  const first = ownFiles()
  let current = load(first)
  let faults: readonly PackFault[] = []
  /** Of the files that were loaded or refused last, and of those that were read last. */
  let decided = hashJson(first)
  let seen = decided
  const reload = async (): Promise<void> => {
    let files: PackFile[] | PackFault[]
    let unreadable = false
    try {
      files = ownFiles()
    } catch (error) {
      if (!(error instanceof RulePackError)) throw error
      files = [...error.faults]
      unreadable = true
    }
    const hash = hashJson(files)
    const unchanged = hash === seen
    seen = hash
    if (!unchanged || hash === decided) return
    decided = hash
    try {
      if (unreadable) throw new RulePackError(files as PackFault[])
      current = load(files as PackFile[])
      faults = []
      log.info({ own: [...current.own], rules: current.rules.size }, 'rules loaded again')
    } catch (error) {
      if (!(error instanceof RulePackError)) throw error
      faults = error.faults
      log.warn({ faults, folder }, 'the changed rules are not used; the earlier ones stay in force')
    }
  }
  const reading =
    folder === undefined ? undefined : every(READ_MS, reload, { failed: 'reading the folder of rules failed', log })
  return {
    get current() {
      return current
    },
    get faults() {
      return faults
    },
    ownFiles,
    async [Symbol.asyncDispose]() {
      await reading?.[Symbol.asyncDispose]()
    },
  }
}
