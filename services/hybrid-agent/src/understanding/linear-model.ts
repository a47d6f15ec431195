/**
 * Multinomial logistic regression, trained in a moment: each example is compared with the classes that share its words
 * and with none of them else, so training grows with the number of examples and not with that of classes.
 */
import { type Features, PLACES } from './features.ts'

export interface Example {
  readonly features: Features
  readonly label: number
  /** The words; classes that share them are the rivals. */
  readonly words: readonly string[]
}

export interface LinearModel {
  /** The score of every class; larger is likelier. */
  readonly scores: (features: Features) => Float32Array
  /** Divides scores before they become probabilities; chosen on examples that were not trained on. */
  readonly temperature: number
}

const EPOCHS = 6
const RATE = 6
const RATE_LAST = 1.5
/** Rivals of one example. */
const RIVALS_MAX = 20
/** Every eighth example is kept from training, to choose the temperature. */
const HELD_OUT = 8
const TEMPERATURES = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.7, 2]

/** @param always a class that is a rival of every example */
export function trainLinearModel(
  examples: readonly Example[],
  classes: number,
  always: number,
  random: () => number,
): LinearModel {
  const weights = new Float32Array(PLACES * classes)
  const trained = examples.filter((_, index) => index % HELD_OUT !== HELD_OUT - 1)
  const held = examples.filter((_, index) => index % HELD_OUT === HELD_OUT - 1)
  const rivalsOf = rivalsBy(trained, classes, always)
  const rivals = trained.map(rivalsOf)
  const order = trained.map((_, index) => index)
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const rate = RATE + ((RATE_LAST - RATE) * epoch) / (EPOCHS - 1)
    shuffle(order, random)
    for (const index of order) step(weights, classes, trained[index]!, rivals[index]!, rate)
  }
  const temperature = calmest(held, rivalsOf, weights, classes)
  return { scores: (features) => scoresOf(weights, classes, features), temperature }
}

/** The chances of the given scores, which sum to 1. */
export function chancesOf(scores: readonly number[], temperature: number): number[] {
  const top = Math.max(...scores)
  const powers = scores.map((score) => Math.exp((score - top) / temperature))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

function step(
  weights: Float32Array,
  classes: number,
  { features, label }: Example,
  among: Uint16Array,
  rate: number,
): void {
  const { places, values } = features
  const count = among.length
  const errors = new Float64Array(count)
  let top = Number.NEGATIVE_INFINITY
  for (let index = 0; index < count; index++) {
    const of = among[index]!
    let score = 0
    for (let at = 0; at < places.length; at++) score += weights[places[at]! * classes + of]! * values[at]!
    errors[index] = score
    if (score > top) top = score
  }
  let sum = 0
  for (let index = 0; index < count; index++) {
    errors[index] = Math.exp(errors[index]! - top)
    sum += errors[index]!
  }
  for (let index = 0; index < count; index++) {
    const of = among[index]!
    const change = rate * ((of === label ? 1 : 0) - errors[index]! / sum)
    if (Math.abs(change) < 1e-3) continue
    for (let at = 0; at < places.length; at++) weights[places[at]! * classes + of]! += change * values[at]!
  }
}

function scoresOf(weights: Float32Array, classes: number, { places, values }: Features): Float32Array {
  const scores = new Float32Array(classes)
  for (let at = 0; at < places.length; at++) {
    const value = values[at]!
    const begin = places[at]! * classes
    for (let of = 0; of < classes; of++) scores[of]! += weights[begin + of]! * value
  }
  return scores
}

/** The classes that share most of an example's words, rare words first. */
function rivalsBy(examples: readonly Example[], classes: number, always: number): (example: Example) => Uint16Array {
  const byWord = new Map<string, Set<number>>()
  for (const { words, label } of examples) {
    for (const word of words) {
      const known = byWord.get(word)
      if (known) known.add(label)
      else byWord.set(word, new Set([label]))
    }
  }
  const remembered = new Map<string, Uint16Array>()
  return ({ words, label }) => {
    const key = `${label} ${[...new Set(words)].sort().join(' ')}`
    const known = remembered.get(key)
    if (known) return known
    const shared = new Float64Array(classes)
    for (const word of new Set(words)) {
      const having = byWord.get(word)
      if (having) for (const one of having) shared[one]! += 1 / having.size
    }
    shared[label] = shared[always] = Number.POSITIVE_INFINITY
    const sharing = [...shared.keys()].filter((one) => shared[one]! > 0)
    const found = Uint16Array.from(sharing.sort((a, b) => shared[b]! - shared[a]!).slice(0, RIVALS_MAX))
    remembered.set(key, found)
    return found
  }
}

/** The temperature whose chances fit the held-out examples best. */
function calmest(
  held: readonly Example[],
  rivalsOf: (example: Example) => Uint16Array,
  weights: Float32Array,
  classes: number,
): number {
  const scored = held.slice(0, HELD_OUT_MAX).map((example) => {
    const scores = scoresOf(weights, classes, example.features)
    const among = [...rivalsOf(example)]
    return { scores: among.map((one) => scores[one]!), right: among.indexOf(example.label) }
  })
  const lossOf = (temperature: number): number =>
    scored.reduce((sum, { scores, right }) => sum - Math.log(Math.max(1e-9, chancesOf(scores, temperature)[right]!)), 0)
  const losses = TEMPERATURES.map(lossOf)
  return TEMPERATURES[losses.indexOf(Math.min(...losses))] ?? 1
}

const HELD_OUT_MAX = 400

function shuffle(order: number[], random: () => number): void {
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[order[last], order[other]] = [order[other]!, order[last]!]
  }
}
