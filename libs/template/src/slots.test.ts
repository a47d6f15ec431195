// What fills the variables of a template: facts of the request, by name or by a text of their own.
import { describe, expect, it } from 'vitest'
import { checkSource, valuesFrom } from './slots.ts'

const SLOTS = {
  variables: { name: 'thing', subject: 'thing.>', module: './thing.ts', retries: '3', description: 'Does it' },
  sources: { subject: '{{name | dots}}.>', module: './{{tested}}' },
}

describe('the values of a template', () => {
  it('come from the facts, by the name of the variable or by its source', () => {
    expect(valuesFrom(SLOTS, { name: 'user events', tested: 'cart.ts', description: 'Say "it"' })).toEqual({
      name: 'user events',
      subject: 'user.events.>',
      module: './cart.ts',
      description: 'Say "it"',
    })
  })

  it('are left out where a fact is absent, so that the defaults hold', () => {
    expect(valuesFrom(SLOTS, { name: 'orders', tested: undefined })).toEqual({ name: 'orders', subject: 'orders.>' })
    expect(valuesFrom(SLOTS, {})).toEqual({})
  })

  it('never carry what would leave the place of a placeholder', () => {
    expect(() => valuesFrom(SLOTS, { tested: "a'; drop" })).toThrow(/tested contains a quote/)
  })
})

describe('a source', () => {
  it('is refused if it is malformed or uses something that is no fact', () => {
    expect(() => checkSource('{{name | dots}}.>')).not.toThrow()
    expect(() => checkSource('{{weather}}')).toThrow(/weather is not declared/)
    expect(() => checkSource('{{name | shout}}')).toThrow(/no filter shout/)
    expect(() => checkSource('{{name |}}')).toThrow(/not a placeholder/)
  })
})
