/** Rules by words. Pure. */
import type { Output } from '../../app/contracts.ts'

type Pack = Output<'rules.list'>['packs'][number]

/** The packs with the rules in which every word occurs, in what they do, in their id or in a sentence. */
export function packsWith(packs: readonly Pack[], text: string | undefined): readonly Pack[] {
  const wanted = (text ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  if (wanted.length === 0) return packs
  return packs.flatMap((pack) => {
    const rules = pack.rules.filter(({ id, does, examples }) => {
      const all = [id, does, ...examples].join('\n').toLowerCase()
      return wanted.every((word) => all.includes(word))
    })
    return rules.length === 0 ? [] : [{ ...pack, rules }]
  })
}
