/** A large mesh: the built-in packs and made-up ones, 500 rules in all, in a world of 200 targets. */
import { Target } from '@deed/config/targets'
import { parseRulePack, type RulePack } from '@deed/hybrid-agent/rules/rule-pack'
import { type Vocabulary, vocabularyOf } from '@deed/hybrid-agent/rules/vocabulary'
import { stringify } from 'yaml'
import { readWorld } from './sentences.ts'
import { readBuiltInPacks } from './world-understanding.ts'

const RULES = 500
const TARGETS = 200
/** The most that a pack may have. */
const PACK_RULES_MAX = 200

const words = (text: string): string[] => text.split(' ')

const VERBS = words(
  'calibrate drain rotate vacuum reindex warm flush snapshot archive throttle quarantine rehearse shard mirror seed trim pin evict replay audit inspect rebalance freeze thaw',
)
const THINGS = words(
  'sensors partitions certificates tables indexes caches queues volumes sessions tenants uploads regions replicas topics mailboxes tokens invoices thumbnails ledgers leases feeds',
)
const PREFIXES = words('amber basalt cobalt dune ember fjord garnet harbor indigo juniper')
const SUFFIXES = words('gateway worker billing search mailer proxy ledger indexer stream cron')

export interface LargeMesh {
  readonly packs: readonly RulePack[]
  readonly vocabulary: Vocabulary
  /** A sentence in the words of each made-up rule. */
  readonly sentences: readonly string[]
}

export function largeMesh(): LargeMesh {
  const builtIn = readBuiltInPacks()
  const world = readWorld()
  const target = { type: 'process', command: ['true'] }
  const names = Array.from({ length: TARGETS }, (_, index) => {
    const prefix = PREFIXES[index % PREFIXES.length]
    const suffix = SUFFIXES[Math.floor(index / PREFIXES.length) % SUFFIXES.length]
    return `${prefix}-${suffix}-${1 + Math.floor(index / (PREFIXES.length * SUFFIXES.length))}`
  }).slice(Object.keys(world.targets).length)
  const example = { targets: { 'amber-gateway-1': target } }
  const pairs = VERBS.flatMap((verb) => THINGS.map((thing) => ({ verb, thing })))
  const missing = RULES - builtIn.reduce((sum, { rules }) => sum + rules.length, 0)
  const rules = pairs.slice(0, missing).map(({ verb, thing }) => ({
    name: `${verb}-${thing}`,
    match: [
      `${verb} (all|all the|the)? ${thing} (of|on|in) (the)? (service)? {service:target(service)}`,
      `(make|let) {service:target(service)} ${verb} (its|the)? ${thing}`,
    ],
    paraphrases: [
      `${verb} ${thing} on {service}`,
      `the ${thing} of {service} should be ready, ${verb} them`,
      `do the ${verb} job for the ${thing} of {service}`,
      `we need to ${verb} the ${thing} on {service}`,
      `${thing} of {service}: ${verb}`,
      `start to ${verb} every one of the ${thing} on {service}`,
    ],
    actions: [{ title: `${verb} ${thing}`, kind: `${verb}.${thing}`, input: { target: '{{service}}' } }],
    tests: [{ say: `${verb} the ${thing} of amber-gateway-1`, actions: [{ kind: `${verb}.${thing}` }] }],
  }))
  const made: RulePack[] = []
  for (let from = 0; from < rules.length; from += PACK_RULES_MAX) {
    const pack = `made-up-${made.length + 1}`
    const part = rules.slice(from, from + PACK_RULES_MAX)
    const text = stringify({ pack, version: 1, description: 'Made up', world: example, rules: part })
    made.push(parseRulePack(text, `${pack}.yaml`))
  }
  const targets = Object.fromEntries(names.map((name) => [name, Target.parse(target)]))
  const sentences = pairs
    .slice(0, missing)
    .map(({ verb, thing }, index) => `could you ${verb} the ${thing} of ${names[index % names.length]}, please`)
  const largeWorld = { ...world, targets: { ...world.targets, ...targets } }
  return { packs: [...builtIn, ...made], vocabulary: vocabularyOf(largeWorld), sentences }
}
