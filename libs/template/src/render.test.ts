// Templates are text with holes. What fills a hole never reaches beyond it.
import { describe, expect, it } from 'vitest'
import { checkTemplate, renderTemplate } from './render.ts'

const named = (body: string) => ({ body, variables: { name: 'user events' } })

describe('filling a template in', () => {
  it.each([
    ['pascal', 'UserEvents'],
    ['camel', 'userEvents'],
    ['snake', 'user_events'],
    ['kebab', 'user-events'],
    ['screaming', 'USER_EVENTS'],
    ['title', 'User Events'],
    ['words', 'user events'],
    ['prose', 'user events'],
  ])('spells a name in %s', (filter, spelled) => {
    expect(renderTemplate(named(`<{{name | ${filter}}}>`))).toBe(`<${spelled}>`)
  })

  it.each(['userEvents', 'user-events', 'USER_EVENTS', ' User  events ', 'UserEvents'])(
    'sees the same words however they are spelled: %s',
    (name) => {
      expect(renderTemplate(named('{{ name | snake }}'), { name })).toBe('user_events')
    },
  )

  it('makes identifiers of numbers and accents', () => {
    expect(renderTemplate(named('{{name|pascal}} {{name|snake}}'), { name: '3 Übersichten' })).toBe(
      'N3Ubersichten n3_ubersichten',
    )
  })

  it('makes no keyword of a name', () => {
    expect(renderTemplate(named('{{name|camel}} {{name|snake}} {{name|pascal}}'), { name: 'class' })).toBe(
      'class_ class_ Class',
    )
  })

  it('takes the default where no value is given, and ignores values nobody asks for', () => {
    expect(renderTemplate(named('{{name}}'), { other: 'x' })).toBe('user events')
  })

  it('leaves every other brace alone', () => {
    const body = 'const x = { a: { b: 1 } } // $(y) #{z} {{name|snake}}}'
    expect(renderTemplate(named(body))).toBe('const x = { a: { b: 1 } } // $(y) #{z} user_events}')
  })

  it.each(['a"b', "a'b", 'a`b', 'a\\b', 'a\nb', 'a$\u007bb}', 'a#{b}', 'a{b', 'a*/b', 'a/*b', 'a--b', 'a;b', 'a$(b)'])(
    'refuses %j where code would read it, and makes prose of it',
    (name) => {
      expect(() => renderTemplate(named('x = "{{name}}"'), { name })).toThrow(
        expect.objectContaining({ code: 'invalid_request', path: '$.variables.name' }),
      )
      const prose = renderTemplate(named('{{name | prose}}'), { name })
      expect(prose).not.toMatch(/["'`\\\n]|[$#]\{|\*\/|\/\*|--/)
      expect(prose).toContain('a')
    },
  )

  it('refuses a name without a letter or digit', () => {
    expect(() => renderTemplate(named('class {{name|pascal}}'), { name: '日本' })).toThrow(/no letter or digit/)
  })

  it('never renders what a value says', () => {
    expect(() => renderTemplate(named('{{name}}'), { name: '{{secret}}' })).toThrow(/brace/)
    expect(renderTemplate(named('{{name | prose}}'), { name: '{{name}}' })).toBe('{{name}}')
  })

  it('does not take inherited names for variables', () => {
    for (const name of ['constructor', 'prototype', 'to_string', 'valueof']) {
      expect(() => renderTemplate({ body: `{{${name}}}`, variables: {} })).toThrow(/not declared/)
    }
    const body = { body: '{{constructor}}', variables: { constructor: 'x' } }
    expect(renderTemplate(body)).toBe('x')
  })
})

describe('checking a template', () => {
  it.each([
    ['an undeclared variable', 'a\n{{nam}}', /line 2: the variable nam is not declared/],
    ['an unknown filter', '{{name | shout}}', /line 1: there is no filter shout/],
    ['a placeholder that is none', 'a\n\n{{ name + 1 }}', /line 3: \{\{ name \+ 1 \}\} is no placeholder/],
    ['a variable that is never used', 'nothing', /name is declared and never used/],
  ])('names the line of %s', (_what, body, message) => {
    expect(() => checkTemplate(named(body))).toThrow(expect.objectContaining({ code: 'invalid_template' }))
    expect(() => checkTemplate(named(body))).toThrow(message)
  })

  it('refuses a default that cannot stand in its place', () => {
    expect(() => checkTemplate({ body: '"{{name}}"', variables: { name: 'a"b' } })).toThrow(/a default does not fit/)
  })
})
