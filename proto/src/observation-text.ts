/** What an observation checks, in words. */
import type { Observation } from './observation.ts'

const VALUE_CHARS_MAX = 120

export function observationText(observation: Observation): string {
  switch (observation.kind) {
    case 'all':
      return observation.of.map(observationText).join(', and ')
    case 'any':
      return `one of: ${observation.of.map(observationText).join('; ')}`
    case 'not':
      return `not: ${observation.of.map(observationText).join('; ')}`
    case 'file': {
      const { path, exists, sha256, contains, mode, changed, syntax } = observation
      if (!exists) return `${path} is not there`
      return listed(`${path} is there`, [
        sha256 === undefined ? '' : `with SHA-256 ${sha256.slice(0, 12)}`,
        contains === undefined ? '' : `contains ${quoted(contains)}`,
        mode === undefined ? '' : `has mode ${mode}`,
        changed === undefined ? '' : changed ? 'has other bytes than before' : 'has the same bytes as before',
        syntax === undefined ? '' : `is correct ${syntax}`,
      ])
    }
    case 'dir':
      return `the folder ${observation.path} is ${observation.exists ? 'there' : 'not there'}`
    case 'exit_code':
      return `the program ends with ${observation.equals}`
    case 'service':
      return `${observation.target} is ${observation.state}${observation.new_process ? ', as a new process' : ''}`
    case 'same_again':
      return 'it is asked twice: a second reading says the same'
    case 'answers_again':
      return 'it is asked twice: the same reading is answered again; what it says may differ'
    case 'asked_once':
      return 'its answer alone: it is asked once, and compared with nothing'
    case 'own_observation':
      return 'what its kind observes by itself'
    default: {
      const { kind, ...rest } = observation
      return `${kind} ${quoted(JSON.stringify(rest))}`
    }
  }
}

const listed = (first: string, others: readonly string[]): string =>
  [first, ...others.filter((one) => one !== '')].join(', ')

const quoted = (text: string): string =>
  text.length <= VALUE_CHARS_MAX ? text : `${text.slice(0, VALUE_CHARS_MAX).toWellFormed()} ...`
