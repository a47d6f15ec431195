/** Which of two sandboxes is the weaker one, by the layers that their names list. */

/** From nothing upwards; what is not listed is a sandbox proper, above them. */
const WEAK_BASES = ['none', 'allow-list', 'landlock']
/** Two that make the same of namespaces, and pass the same trial. */
const ALIKE = ['bwrap', 'unshare']

/**
 * @param actual,expected as in `Sandbox.name`: a base, then layers, as in `bwrap+seccomp+cgroup2`
 * @returns whether `actual` lacks something that `expected` has; control groups of either version count the same
 */
export function confinesLess(actual: string, expected: string): boolean {
  const [has, wants] = [layersOf(actual), layersOf(expected)]
  if (has.rank !== wants.rank) return has.rank < wants.rank
  const alike = has.base === wants.base || (ALIKE.includes(has.base) && ALIKE.includes(wants.base))
  return !alike || [...wants.layers].some((layer) => !has.layers.has(layer))
}

function layersOf(name: string) {
  const [base = '', ...layers] = name.split('+')
  const known = WEAK_BASES.indexOf(base)
  return {
    base,
    rank: known === -1 ? WEAK_BASES.length : known,
    layers: new Set(layers.map((layer) => layer.replace(/^cgroup\d$/, 'cgroup'))),
  }
}
