// The language that a task means if its request names none.
import { describe, expect, it } from 'vitest'
import { namedLanguage } from './named-language.ts'

describe('the language of a task', () => {
  it.each([
    ['create a NATS consumer for processing user events (elixir)', 'elixir'],
    ['Write a Go service that listens to NATS', 'go'],
    ['write it in Go', 'go'],
    ['go ahead and restart demo-api', undefined],
    ['Refactor src/x.ts: rename a to b', 'typescript'],
    ['Add pytest cases for the importer', 'python'],
    ['set the log level in config.yaml', 'yaml'],
    ['create a NATS consumer', undefined],
    ['deploy to go-live', undefined],
    ['Port the Python script to Rust', 'python'],
  ])('%s: %s', (task, language) => {
    expect(namedLanguage(task)).toBe(language)
  })
})
