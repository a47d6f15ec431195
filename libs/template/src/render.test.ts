// Templates are text with placeholders. A value never affects the text around its placeholder.
import { describe, expect, it } from 'vitest'
import { checkTemplate, renderTemplate } from './render.ts'

const named = (body: string) => ({ body, variables: { name: 'user events' } })

describe('rendering a template', () => {
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
    'finds the same words in every spelling: %s',
    (name) => {
      expect(renderTemplate(named('{{ name | snake }}'), { name })).toBe('user_events')
    },
  )

  it('makes identifiers of numbers and accents', () => {
    expect(renderTemplate(named('{{name|pascal}} {{name|snake}}'), { name: '3 Übersichten' })).toBe(
      'N3Ubersichten n3_ubersichten',
    )
  })

  it('never produces a keyword as a name', () => {
    expect(renderTemplate(named('{{name|camel}} {{name|snake}} {{name|pascal}}'), { name: 'class' })).toBe(
      'class_ class_ Class',
    )
  })

  it('uses the default for a missing value, and ignores values without a variable', () => {
    expect(renderTemplate(named('{{name}}'), { other: 'x' })).toBe('user events')
  })

  it('keeps all other braces', () => {
    const body = 'const x = { a: { b: 1 } } // $(y) #{z} {{name|snake}}}'
    expect(renderTemplate(named(body))).toBe('const x = { a: { b: 1 } } // $(y) #{z} user_events}')
  })

  it.each(['a"b', "a'b", 'a`b', 'a\\b', 'a\nb', 'a$\u007bb}', 'a#{b}', 'a{b', 'a*/b', 'a/*b', 'a--b', 'a;b', 'a$(b)'])(
    'refuses %j where code would read it, and cleans it for prose',
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
    expect(() => renderTemplate(named('class {{name|pascal}}'), { name: '日本' })).toThrow(/needs a letter or digit/)
  })

  it('never expands placeholders in a value', () => {
    expect(() => renderTemplate(named('{{name}}'), { name: '{{secret}}' })).toThrow(/brace/)
    expect(renderTemplate(named('{{name | prose}}'), { name: '{{name}}' })).toBe('{{name}}')
  })

  it('does not accept inherited properties as variables', () => {
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
    ['a malformed placeholder', 'a\n\n{{ name + 1 }}', /line 3: \{\{ name \+ 1 \}\} is not a placeholder/],
    ['an unused variable', 'nothing', /name is declared but never used/],
  ])('reports the line of %s', (_what, body, message) => {
    expect(() => checkTemplate(named(body))).toThrow(expect.objectContaining({ code: 'invalid_template' }))
    expect(() => checkTemplate(named(body))).toThrow(message)
  })

  it('refuses a default that is invalid in its place', () => {
    expect(() => checkTemplate({ body: '"{{name}}"', variables: { name: 'a"b' } })).toThrow(/a default is invalid/)
  })
})
