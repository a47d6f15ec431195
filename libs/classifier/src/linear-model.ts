/**
 * Multinomial logistic regression, trained in a moment: each example is compared with the classes that share its words
 * and with none of them else, so training grows with the number of examples and not with that of classes.
 */
import { type Features, featuresOf, PLACES } from '@deed/text/features'

export interface Example {
  readonly label: number
  /** Their features are learned; classes that share words are the rivals. */
  readonly words: readonly string[]
}

interface Featured extends Example {
  readonly features: Features
}

/** What training finds: all that a model is. */
export interface Trained {
  readonly classes: number
  readonly weights: Weights
  readonly temperature: number
}

export interface LinearModel {
  /** The score of every class; larger is likelier. */
  readonly scores: (features: Features) => Float32Array
  /** Divides scores before they become probabilities; chosen on examples that were not trained on. */
  readonly temperature: number
}

const EPOCHS = 5
const RATE = 6
const RATE_LAST = 1.5
/** Smaller changes are left out. */
const CHANGE_MIN = 2e-3
/** Rivals of one example. */
const RIVALS_MAX = 14
/** A word of more classes names no rivals. */
const COMMON_TO_MAX = 100
/** Every eighth example is kept from training, to choose the temperature. */
const HELD_OUT = 8
const TEMPERATURES = [0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.4, 1.7, 2]

/** @param always a class that is a rival of every example */
export function train(given: readonly Example[], classes: number, always: number, random: () => number): Trained {
  const examples = given.map((example): Featured => ({ ...example, features: featuresOf(example.words) }))
  const kept = examples.filter((_, index) => index % HELD_OUT !== HELD_OUT - 1)
  const held = examples.filter((_, index) => index % HELD_OUT === HELD_OUT - 1)
  const rivalsOf = rivalsBy(kept, classes, always)
  const layout = layoutOf(kept, kept.map(rivalsOf), classes)
  const trained = new Float32Array(layout.places.length)
  const order = kept.map((_, index) => index)
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const rate = RATE + ((RATE_LAST - RATE) * epoch) / (EPOCHS - 1)
    shuffle(order, random)
    for (const index of order) step(trained, layout, kept[index]!, index, rate)
  }
  const weights = byPlace(trained, layout)
  return { classes, weights, temperature: calmest(held, rivalsOf, weights, classes) }
}

export const linearModel = ({ classes, weights, temperature }: Trained): LinearModel => ({
  scores: (features) => scoresOf(weights, classes, features),
  temperature,
})

/**
 * Where the weights are while they are trained. A class has one for each place of the examples that it is compared with,
 * a small part of all places: so that the weights fit a processor's cache, those of a class are together.
 */
interface Layout {
  /** Of each weight. */
  readonly places: Uint16Array
  /** Where the weights of a class begin; the last is where all end. */
  readonly begins: Uint32Array
  /** Of each example, the class of its label, then those of its rivals. */
  readonly rivals: readonly Uint16Array[]
  /** The weights of the examples' places, counted from where those of the class begin: for each rival, for each place. */
  readonly weights: Uint16Array
  /** Where the weights of an example begin in `weights`. */
  readonly firsts: Uint32Array
}

function layoutOf(examples: readonly Featured[], rivals: readonly Uint16Array[], classes: number): Layout {
  const firsts = new Uint32Array(examples.length)
  const comparedWith: { example: number; at: number }[][] = Array.from({ length: classes }, () => [])
  let length = 0
  for (const [example, { features }] of examples.entries()) {
    firsts[example] = length
    for (const one of rivals[example]!) {
      comparedWith[one]!.push({ example, at: length })
      length += features.places.length
    }
  }
  const weights = new Uint16Array(length)
  const begins = new Uint32Array(classes + 1)
  const places: number[] = []
  /** The weight of a place, from 1; of an earlier class where it is not larger than `begin`. */
  const known = new Uint32Array(PLACES)
  for (const [one, compared] of comparedWith.entries()) {
    const begin = places.length
    begins[one] = begin
    for (const { example, at } of compared) {
      const said = examples[example]!.features.places
      for (let index = 0; index < said.length; index++) {
        const place = said[index]!
        if (known[place]! <= begin) known[place] = places.push(place)
        weights[at + index] = known[place]! - 1 - begin
      }
    }
  }
  begins[classes] = places.length
  return { places: Uint16Array.from(places), begins, rivals, weights, firsts }
}

/** Of each place, the classes that have a weight there: few have, since few share the words. */
export interface Weights {
  /** Where the entries of a place begin; the last is where all end. */
  readonly begins: Uint32Array
  readonly classes: Uint16Array
  readonly values: Float32Array
}

function byPlace(trained: Float32Array, layout: Layout): Weights {
  const begins = new Uint32Array(PLACES + 1)
  for (let at = 0; at < trained.length; at++) if (trained[at] !== 0) begins[layout.places[at]! + 1]!++
  for (let place = 0; place < PLACES; place++) begins[place + 1]! += begins[place]!
  const next = begins.slice()
  const classes = new Uint16Array(begins[PLACES]!)
  const values = new Float32Array(begins[PLACES]!)
  for (let one = 0; one + 1 < layout.begins.length; one++) {
    for (let at = layout.begins[one]!; at < layout.begins[one + 1]!; at++) {
      if (trained[at] === 0) continue
      const entry = next[layout.places[at]!]!++
      classes[entry] = one
      values[entry] = trained[at]!
    }
  }
  return { begins, classes, values }
}

/** The chances of the given scores, which sum to 1. */
export function chancesOf(scores: readonly number[], temperature: number): number[] {
  const top = Math.max(...scores)
  const powers = scores.map((score) => Math.exp((score - top) / temperature))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

const errors = new Float64Array(64)

function step(
  trained: Float32Array,
  { rivals, begins, weights, firsts }: Layout,
  { features, label }: Featured,
  example: number,
  rate: number,
): void {
  const { values } = features
  const among = rivals[example]!
  const count = among.length
  const length = values.length
  let top = Number.NEGATIVE_INFINITY
  for (let index = 0, first = firsts[example]!; index < count; index++, first += length) {
    const begin = begins[among[index]!]!
    let score = 0
    for (let at = 0; at < length; at++) score += trained[begin + weights[first + at]!]! * values[at]!
    errors[index] = score
    if (score > top) top = score
  }
  let sum = 0
  for (let index = 0; index < count; index++) {
    errors[index] = Math.exp(errors[index]! - top)
    sum += errors[index]!
  }
  for (let index = 0, first = firsts[example]!; index < count; index++, first += length) {
    const of = among[index]!
    const change = rate * ((of === label ? 1 : 0) - errors[index]! / sum)
    if (Math.abs(change) < CHANGE_MIN) continue
    const begin = begins[of]!
    for (let at = 0; at < length; at++) trained[begin + weights[first + at]!]! += change * values[at]!
  }
}

function scoresOf(weights: Weights, classes: number, { places, values }: Features): Float32Array {
  const scores = new Float32Array(classes)
  for (let at = 0; at < places.length; at++) {
    const value = values[at]!
    const end = weights.begins[places[at]! + 1]!
    for (let entry = weights.begins[places[at]!]!; entry < end; entry++)
      scores[weights.classes[entry]!]! += weights.values[entry]! * value
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
  // What nearly every class has tells no two of them apart.
  const telling = [...byWord].filter(([, having]) => having.size <= COMMON_TO_MAX)
  const lists = new Map(telling.map(([word, having]) => [word, Uint16Array.from(having)]))
  const shared = new Float64Array(classes)
  const touched: number[] = []
  return ({ words, label }) => {
    touched.length = 0
    for (const word of words) {
      const having = lists.get(word)
      if (!having) continue
      const each = 1 / having.length
      for (const one of having) {
        if (shared[one] === 0) touched.push(one)
        shared[one]! += each
      }
    }
    const rivals = label === always ? [label] : [label, always]
    const first = rivals.length
    for (const one of touched) {
      if (one === label || one === always) continue
      let place = rivals.length
      while (place > first && shared[rivals[place - 1]!]! < shared[one]!) place--
      if (place === first + RIVALS_MAX) continue
      rivals.splice(place, 0, one)
      if (rivals.length > first + RIVALS_MAX) rivals.pop()
    }
    for (const one of touched) shared[one] = 0
    return Uint16Array.from(rivals)
  }
}

/** The temperature whose chances fit the held-out examples best. */
function calmest(
  held: readonly Featured[],
  rivalsOf: (example: Example) => Uint16Array,
  weights: Weights,
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
